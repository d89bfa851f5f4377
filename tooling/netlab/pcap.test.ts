import { describe, expect, it } from 'vitest'
import { readPcap } from './pcap.js'

const [A, B] = [
  { host: '10.31.7.1', port: 40_000 },
  { host: '10.31.7.2', port: 3_485 },
]
type Ends = readonly [typeof A, typeof A]

function bytes(text: string): Buffer {
  return Buffer.from(text)
}

function u16(...numbers: number[]): Buffer {
  const out = Buffer.alloc(2 * numbers.length)
  for (const [index, number] of numbers.entries()) out.writeUInt16BE(number, 2 * index)
  return out
}

function ipv4(protocol: number, [from, to]: Ends, payload: Buffer, fragment = 0): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + payload.length, 2)
  header.writeUInt16BE(fragment, 6)
  header[9] = protocol
  header.set(from.host.split('.').map(Number), 12)
  header.set(to.host.split('.').map(Number), 16)
  return Buffer.concat([header, payload])
}

function udp(ends: Ends, payload: Buffer): Buffer {
  const [from, to] = ends
  return ipv4(17, ends, Buffer.concat([u16(from.port, to.port, 8 + payload.length, 0), payload]))
}

function tcp(ends: Ends, sequence: number, payload: Buffer, syn = false): Buffer {
  const [from, to] = ends
  const header = Buffer.alloc(24)
  header.set(u16(from.port, to.port))
  header.writeUInt32BE(sequence >>> 0, 4)
  header[12] = 6 << 4
  header[13] = syn ? 0x02 : 0x10
  return ipv4(6, ends, Buffer.concat([header, payload]))
}

const ETHERNET = Buffer.concat([Buffer.alloc(12), u16(0x0800)])

function pcap(packets: readonly Buffer[], { little = true, nanos = false, type = 1, link = ETHERNET } = {}): Buffer {
  const number = (value: number): Buffer => {
    const out = Buffer.alloc(4)
    if (little) out.writeUInt32LE(value)
    else out.writeUInt32BE(value)
    return out
  }
  const header = [number(nanos ? 0xa1b23c4d : 0xa1b2c3d4), Buffer.alloc(12), number(262_144), number(type)]
  const records = packets.flatMap((packet, index) => {
    const frame = Buffer.concat([link, packet])
    return [number(1_700_000_000 + index), number(500_000), number(frame.length), number(frame.length), frame]
  })
  return Buffer.concat([...header, ...records])
}

const there: Ends = [A, B]
const back: Ends = [B, A]

describe('readPcap', () => {
  it('reads datagrams with their ends and time, without the padding of short frames', () => {
    const { packets, datagrams, others } = readPcap(
      pcap([Buffer.concat([udp(there, bytes('hello')), Buffer.alloc(9)])]),
    )
    expect([packets, others.length]).toEqual([1, 0])
    expect(datagrams).toEqual([{ at: 1_700_000_000_500, from: A, to: B, bytes: bytes('hello') }])
  })

  it('reads either byte order, nanoseconds, and Linux cooked links', () => {
    const cooked = Buffer.concat([Buffer.alloc(14), u16(0x0800)])
    const cooked2 = Buffer.concat([u16(0x0800), Buffer.alloc(18)])
    for (const options of [
      { little: false },
      { nanos: true },
      { type: 113, link: cooked },
      { type: 276, link: cooked2 },
    ]) {
      const [datagram] = readPcap(pcap([udp(there, bytes('hello'))], options)).datagrams
      expect([datagram?.from, Buffer.from(datagram?.bytes ?? []).toString()]).toEqual([A, 'hello'])
    }
  })

  it('reads IPv6', () => {
    const packet = Buffer.alloc(40)
    packet[0] = 0x60
    packet.writeUInt16BE(13, 4)
    packet[6] = 17
    packet.set([0xfd, 0x31], 8)
    packet.set([0xff, 0x12], 24)
    const link = Buffer.concat([Buffer.alloc(12), u16(0x86dd)])
    const file = pcap([Buffer.concat([packet, u16(1, 2, 13, 0), bytes('hello')])], { link })
    expect(readPcap(file).datagrams[0]?.from).toEqual({ host: 'fd31:0:0:0:0:0:0:0', port: 1 })
  })

  it('keeps what is neither a datagram nor a stream: other protocols, fragments, what was cut short', () => {
    const cut = udp(there, bytes('hello')).subarray(0, 30)
    const packets = [ipv4(1, there, bytes('an echo')), ipv4(17, there, bytes('a fragment'), 0x2000), cut]
    const { others, datagrams } = readPcap(pcap(packets))
    expect(datagrams).toEqual([])
    expect(others.map((frame) => Buffer.from(frame).subarray(14))).toEqual(packets)
  })

  it('leaves a record that is not all there yet, and refuses what is no capture', () => {
    const file = pcap([udp(there, bytes('one')), udp(there, bytes('two'))])
    expect(readPcap(file.subarray(0, -1)).datagrams).toHaveLength(1)
    expect(() => readPcap(file.subarray(0, 20))).toThrow(/20 bytes/)
    expect(() => readPcap(Buffer.alloc(24))).toThrow(/no capture/)
    expect(() => readPcap(pcap([], { type: 105 }))).toThrow(/no capture/)
  })
})

describe('streams', () => {
  function streams(...packets: Buffer[]): [text: string, holes: number][] {
    return readPcap(pcap(packets)).streams.map((stream) => [Buffer.from(stream.bytes).toString(), stream.holes])
  }

  it('are one for each direction, in the sender’s order whatever the order of arrival', () => {
    expect(
      streams(
        tcp(there, 99, bytes(''), true),
        tcp(back, 499, bytes(''), true),
        tcp(there, 105, bytes('world')),
        tcp(back, 500, bytes('answer')),
        tcp(there, 100, bytes('hello')),
      ),
    ).toEqual([
      ['helloworld', 0],
      ['answer', 0],
    ])
  })

  it('take what is repeated once, also where it is cut otherwise', () => {
    expect(
      streams(
        tcp(there, 0, bytes('hello')),
        tcp(there, 0, bytes('hello')),
        tcp(there, 3, bytes('lo wo')),
        tcp(there, 6, bytes('world')),
        tcp(there, 2, bytes('llo')),
      ),
    ).toEqual([['hello world', 0]])
  })

  it('go on over the end of the sequence numbers', () => {
    expect(
      streams(
        tcp(there, 2 ** 32 - 4, bytes(''), true),
        tcp(there, 2 ** 32 - 3, bytes('hello')),
        tcp(there, 2, bytes('world')),
      ),
    ).toEqual([['helloworld', 0]])
  })

  it('say where something is missing, and read a connection that stood before', () => {
    expect(streams(tcp(there, 100, bytes('hello')), tcp(there, 110, bytes('world')))).toEqual([['helloworld', 1]])
    expect(streams(tcp(there, 105, bytes('world')), tcp(there, 100, bytes('hello')))).toEqual([['helloworld', 0]])
  })

  it('begin anew with another SYN between the same ends', () => {
    expect(
      streams(
        tcp(there, 9, bytes(''), true),
        tcp(there, 10, bytes('one')),
        tcp(there, 699, bytes(''), true),
        tcp(there, 699, bytes(''), true),
        tcp(there, 700, bytes('two')),
      ),
    ).toEqual([
      ['one', 0],
      ['two', 0],
    ])
  })

  it('keep a segment that contradicts what came before, beside the stream', () => {
    const file = pcap([tcp(there, 0, bytes('hello')), tcp(there, 0, bytes('jello')), tcp(there, 5, bytes('!'))])
    const { streams: all, others } = readPcap(file)
    expect(Buffer.from(all[0]?.bytes ?? []).toString()).toBe('hello!')
    expect(others).toHaveLength(1)
    expect(Buffer.from(others[0] ?? []).toString('latin1')).toContain('jello')
  })
})
