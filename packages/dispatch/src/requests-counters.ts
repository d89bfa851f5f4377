/** What happened to datagrams since the start. Names are stable. */
export interface RequestsCounters {
  received: number
  /** Reached their handler, or the call that waited for them. */
  handled: number
  /** Led towards a session: first messages, answers, cookies, records, resets. */
  handshake: number
  sent: number
  /** Own datagrams that could not be sent. */
  sendFailed: number
  /** Our own, looped back by multicast. */
  own: number

  // ---- refused, in the order of the checks
  length: number
  /** Anything but an announcement on the shared discovery port. */
  notAnnouncement: number
  rootCode: number
  version: number
  protection: number
  /** No attached socket leads back to where it came from. */
  noSocket: number
  /** Nobody here has the session that it names, or it came from another address. */
  session: number
  addressLimit: number
  keyId: number
  mac: number
  /** Seen before, or too old to tell. */
  replay: number
  /** Not sealed by the other side of the session that it names. */
  seal: number
  /** Too many that could not be opened, so that this one was not tried. */
  sealLimit: number
  /** Too many handshakes, records or resets, or no time for more packets of strangers. */
  handshakeLimit: number
  /** A key exchange that is forged, of another network, or not meant for this peer. */
  exchange: number
  /** An answer to nothing that was asked. */
  unexpected: number
  decode: number
  /** Over what one peer may send. */
  peerLimit: number
  /** Dropped because this process is behind. */
  shed: number
  /** In a first message, which anybody may repeat, and not declared to bear that. */
  early: number
  /** A request that came again; what was answered is answered again. */
  repeated: number
  noHandler: number
  denied: number
  /** Every place and queue is full. */
  busy: number
  /** The handler threw. */
  handlerFailed: number

  // ---- what this side did
  /** Told to come again with a cookie. */
  cookiesSent: number
  recordsSent: number
  resetsSent: number
  /** Sessions that can be used, from either side. */
  established: number
  handshakesFailed: number
  /** Sendings of own requests after the first. */
  repetitions: number
  requests: number
  replies: number
  bytesIn: number
  bytesOut: number
}

export function noCounters(): RequestsCounters {
  return {
    received: 0,
    handled: 0,
    handshake: 0,
    sent: 0,
    sendFailed: 0,
    own: 0,
    length: 0,
    notAnnouncement: 0,
    rootCode: 0,
    version: 0,
    protection: 0,
    noSocket: 0,
    session: 0,
    addressLimit: 0,
    keyId: 0,
    mac: 0,
    replay: 0,
    seal: 0,
    sealLimit: 0,
    handshakeLimit: 0,
    exchange: 0,
    unexpected: 0,
    decode: 0,
    peerLimit: 0,
    shed: 0,
    early: 0,
    repeated: 0,
    noHandler: 0,
    denied: 0,
    busy: 0,
    handlerFailed: 0,
    cookiesSent: 0,
    recordsSent: 0,
    resetsSent: 0,
    established: 0,
    handshakesFailed: 0,
    repetitions: 0,
    requests: 0,
    replies: 0,
    bytesIn: 0,
    bytesOut: 0,
  }
}
