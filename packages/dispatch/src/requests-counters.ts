/** What happened to datagrams since the start. Names are stable; those after `own` are reasons of refusal. */
export interface RequestsCounters {
  received: number
  /** Reached their handler. */
  handled: number
  sent: number
  sendFailed: number
  /** Our own, looped back by multicast. */
  own: number
  length: number
  rootCode: number
  version: number
  protection: number
  addressLimit: number
  keyId: number
  mac: number
  replay: number
  decode: number
  /** The handler threw. */
  handlerFailed: number
  /** Anything but an announcement on the shared discovery port. */
  notAnnouncement: number
}

export function noCounters(): RequestsCounters {
  return {
    received: 0,
    handled: 0,
    sent: 0,
    sendFailed: 0,
    own: 0,
    length: 0,
    rootCode: 0,
    version: 0,
    protection: 0,
    addressLimit: 0,
    keyId: 0,
    mac: 0,
    replay: 0,
    decode: 0,
    handlerFailed: 0,
    notAnnouncement: 0,
  }
}
