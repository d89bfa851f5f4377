/**
 * Reads what tcpdump(8) has written (pcap, "classic"): datagrams, and streams put together again. Pure. Nothing is left out: what is
 * neither a whole datagram nor part of a stream is kept as a frame.
 */
import { NetlabError } from './errors.js'
import { type CapturedStream, type Endpoint, type Segment, TcpStreams } from './tcp-streams.js'

export interface CapturedDatagram {
  /** Unix ms. */
  readonly at: number
  readonly from: Endpoint
  readonly to: Endpoint
  readonly bytes: Uint8Array
}

export interface Captured {
  readonly packets: number
  readonly datagrams: readonly CapturedDatagram[]
  readonly streams: readonly CapturedStream[]
  /** ARP, ICMP, fragments, what was cut short, and segments that contradict what came before. */
  readonly others: readonly Uint8Array[]
}

const FILE_HEADER = 24
const RECORD_HEADER = 16
/** Nobody here makes longer ones; a claim beyond it means that this is no such file. */
const MAX_RECORD = 262_144
/** Where the Ethernet type stands, by the number of the link type. */
const LINK_TYPES: Readonly<Record<number, { readonly typeAt: number; readonly header: number }>> = {
  1: { typeAt: 12, header: 14 }, // Ethernet
  113: { typeAt: 14, header: 16 }, // Linux cooked, as of `-i any`
  276: { typeAt: 0, header: 20 }, // Linux cooked, second version
}
const [IPV4, IPV6] = [0x0800, 0x86dd]
const [TCP, UDP] = [6, 17]

/** All bytes are views of `file`. A last record that is not all there yet is left for later. @throws NetlabError BAD_ARGUMENT when it is no such file */
export function readPcap(file: Uint8Array): Captured {
  const { number, ticksPerMs, link } = readHeader(file)
  const datagrams: CapturedDatagram[] = []
  const streams = new TcpStreams()
  const others: Uint8Array[] = []
  let packets = 0
  for (let at = FILE_HEADER; at + RECORD_HEADER <= file.length; ) {
    const length = number(at + 8)
    if (length > MAX_RECORD) throw new NetlabError('BAD_ARGUMENT', `a record of ${length} bytes in a capture`)
    const start = at + RECORD_HEADER
    if (start + length > file.length) break
    const ms = number(at) * 1_000 + number(at + 4) / ticksPerMs
    const frame = file.subarray(start, start + length)
    at = start + length
    packets += 1
    const packet = readFrame(frame, link)
    if (packet?.kind === 'udp') datagrams.push({ at: ms, from: packet.from, to: packet.to, bytes: packet.bytes })
    else if (packet?.kind !== 'tcp' || !streams.take(ms, packet)) others.push(frame)
  }
  return { packets, datagrams, streams: streams.all(), others }
}

interface Header {
  readonly number: (at: number) => number
  readonly ticksPerMs: number
  readonly link: { readonly typeAt: number; readonly header: number }
}

function readHeader(file: Uint8Array): Header {
  if (file.length < FILE_HEADER) throw new NetlabError('BAD_ARGUMENT', `a capture of ${file.length} bytes`)
  const view = viewOf(file)
  const little = [0xa1b2c3d4, 0xa1b23c4d].includes(view.getUint32(0, true))
  const magic = view.getUint32(0, little)
  const link = LINK_TYPES[view.getUint32(20, little) & 0xffff]
  if ((magic !== 0xa1b2c3d4 && magic !== 0xa1b23c4d) || link === undefined) {
    throw new NetlabError('BAD_ARGUMENT', 'no capture of a link that is known here')
  }
  return {
    number: (at) => view.getUint32(at, little),
    ticksPerMs: magic === 0xa1b2c3d4 ? 1_000 : 1_000_000,
    link,
  }
}

type Packet = { readonly kind: 'udp'; readonly from: Endpoint; readonly to: Endpoint; readonly bytes: Uint8Array } | Tcp

interface Tcp extends Segment {
  readonly kind: 'tcp'
}

/** Undefined for all that is not a whole UDP or TCP packet. */
function readFrame(frame: Uint8Array, link: Header['link']): Packet | undefined {
  if (frame.length < link.header) return undefined
  const type = viewOf(frame).getUint16(link.typeAt)
  const packet = frame.subarray(link.header)
  if (type === IPV4) return readIpv4(packet)
  return type === IPV6 ? readIpv6(packet) : undefined
}

function readIpv4(packet: Uint8Array): Packet | undefined {
  if (packet.length < 20) return undefined
  const view = viewOf(packet)
  const [header, total] = [((packet[0] ?? 0) & 0x0f) * 4, view.getUint16(2)]
  const fragmented = (view.getUint16(6) & 0x3fff) !== 0
  // Frames are padded to 60 bytes: what counts is the length that the packet claims.
  if (fragmented || header < 20 || total < header || total > packet.length) return undefined
  const host = (at: number): string => packet.subarray(at, at + 4).join('.')
  return readTransport(packet[9] ?? 0, packet.subarray(header, total), host(12), host(16))
}

/** Without extension headers, which nobody here sends but the kernel's own multicast reports. */
function readIpv6(packet: Uint8Array): Packet | undefined {
  if (packet.length < 40) return undefined
  const total = 40 + viewOf(packet).getUint16(4)
  if (total > packet.length) return undefined
  return readTransport(packet[6] ?? 0, packet.subarray(40, total), ipv6Text(packet, 8), ipv6Text(packet, 24))
}

function readTransport(protocol: number, bytes: Uint8Array, source: string, target: string): Packet | undefined {
  if (bytes.length < 8) return undefined
  const view = viewOf(bytes)
  const from = { host: source, port: view.getUint16(0) }
  const to = { host: target, port: view.getUint16(2) }
  if (protocol === UDP) {
    const length = view.getUint16(4)
    return length < 8 || length > bytes.length ? undefined : { kind: 'udp', from, to, bytes: bytes.subarray(8, length) }
  }
  if (protocol !== TCP || bytes.length < 20) return undefined
  const header = ((bytes[12] ?? 0) >> 4) * 4
  if (header < 20 || header > bytes.length) return undefined
  const begins = ((bytes[13] ?? 0) & 0x02) !== 0
  return { kind: 'tcp', from, to, sequence: view.getUint32(4), begins, bytes: bytes.subarray(header) }
}

/** All eight groups: it is compared, not shown to people. */
function ipv6Text(packet: Uint8Array, at: number): string {
  const view = viewOf(packet)
  return Array.from({ length: 8 }, (_, group) => view.getUint16(at + 2 * group).toString(16)).join(':')
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
