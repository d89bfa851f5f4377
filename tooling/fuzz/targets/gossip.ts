import {
  Gossip,
  GossipError,
  MAX_EXCHANGE_BYTES,
  type Rumor,
  type RumorFields,
  RumorKind,
  readExchange,
  readPacket,
  readRumor,
  signRumor,
  verifyRumor,
} from '@pc/gossip'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import { opaque } from '../mutate/shape.js'
import { errors, nothing, type Target } from '../target.js'
import { identity } from './seeds.js'

const [ANNA, BERT] = [identity(1), identity(2)]
const BODY = Buffer.from('lunch is ready')
const FIELDS: RumorFields = {
  kind: RumorKind.DATA,
  topic: 'news',
  boot: 1,
  sequence: 1,
  createdAt: 2 ** 41,
  ttlMs: 6_000,
  body: BODY,
}
const RUMORS: readonly Rumor[] = [
  signRumor(ANNA, FIELDS),
  signRumor(ANNA, { ...FIELDS, sequence: 2, topic: 'ü'.repeat(32), body: new Uint8Array(900) }),
  signRumor(ANNA, { ...FIELDS, sequence: 3, kind: RumorKind.REFERENCE, body: new Uint8Array(36) }),
  signRumor(ANNA, { ...FIELDS, sequence: 4, kind: RumorKind.QUERY }),
  signRumor(ANNA, { ...FIELDS, sequence: 5, kind: RumorKind.CANCEL, body: new Uint8Array(16) }),
]
const [FIRST] = RUMORS as readonly [Rumor]
/** One hop, 5 ms old. */
const HOP = [1, 0, 0, 0, 5]
const KEY = Buffer.from(FIRST.key, 'latin1')

const PACKETS: readonly Uint8Array[] = [
  ...RUMORS.map(({ bytes }) => Buffer.from([0, ...HOP, ...bytes])),
  Buffer.from([1, ...KEY, ...KEY.map((byte) => byte ^ 1)]),
  Buffer.from([2, ...KEY]),
  Buffer.from([3, ...FIRST.id, ...BODY]),
  Buffer.from([4, ...FIRST.id]),
  Buffer.from([99]),
]

const ENTRY = [...ANNA.id.bytes, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 9, 2, 0b101, 1]
const withLength = ({ bytes }: Rumor): number[] => {
  const length = HOP.length + bytes.length
  return [length >> 8, length & 0xff, ...HOP, ...bytes]
}
const EXCHANGES: readonly Uint8Array[] = [
  Buffer.from([16, 0, 0]),
  Buffer.from([16, 0, 1, ...ENTRY]),
  Buffer.from([17, 1, 0, 1, ...ENTRY, ...withLength(FIRST)]),
  Buffer.from([18, ...RUMORS.flatMap(withLength)]),
  Buffer.from([19]),
]

const BAD = errors(GossipError, ['BAD_PACKET', 'BAD_RUMOR'])

const rumor: Target = {
  name: 'gossip/readRumor',
  about: 'news under a signature, as anybody may pass it on',
  covers: ['@pc/gossip readRumor', '@pc/gossip verifyRumor'],
  shape: opaque,
  seeds: () => RUMORS.map(({ bytes }) => bytes),
  allows: errors(GossipError, ['BAD_RUMOR']),
  open: () => ({
    handle: (input) => readRumor(input),
    verify: (input, result) => {
      const read = result as Rumor
      if (Buffer.compare(read.bytes, input) !== 0) return 'the bytes kept are not those that came'
      const isOurs = RUMORS.some(({ bytes }) => Buffer.compare(bytes, input) === 0)
      return verifyRumor(read, ANNA.id) && !isOurs ? 'what nobody signed passes' : undefined
    },
    alive: () =>
      RUMORS.every(({ bytes }) => verifyRumor(readRumor(bytes), ANNA.id)) ? undefined : 'a valid rumor does not pass',
  }),
}

const packet: Target = {
  name: 'gossip/readPacket',
  about: 'a datagram of gossip',
  covers: ['@pc/gossip readPacket'],
  shape: opaque,
  seeds: () => PACKETS,
  allows: BAD,
  open: () => ({
    handle: (input) => readPacket(input),
    alive: () => (PACKETS.map((each) => readPacket(each)).length === PACKETS.length ? undefined : 'one is not read'),
  }),
}

const exchange: Target = {
  name: 'gossip/readExchange',
  about: 'what two peers exchange about what they have',
  covers: ['@pc/gossip readExchange'],
  shape: opaque,
  seeds: () => EXCHANGES,
  allows: BAD,
  open: () => ({
    handle: (input) => readExchange(input),
    alive: () =>
      EXCHANGES.map((each) => readExchange(each)).length === EXCHANGES.length ? undefined : 'one is not read',
  }),
}

const peer: Target = {
  name: 'gossip/Gossip',
  about: 'datagrams and exchanges of a proved peer, through the driver and its state machine',
  // A datagram, its signature, what is pushed on, and an exchange.
  conversation: true,
  covers: ['@pc/gossip Gossip', '@pc/gossip GossipState'],
  shape: opaque,
  seeds: () => [...PACKETS, ...EXCHANGES],
  allows: nothing,
  open: () => {
    const clock = new VirtualClock()
    const random = new SeededRandom('fuzz')
    let sent = 0
    const gossip = Gossip.create({
      identity: BERT,
      boot: 1,
      clock,
      random,
      peers: { live: () => [{ peer: ANNA.id }], watch: () => () => {} },
      transport: {
        send: (_, bytes) => {
          sent = Math.max(sent, bytes.length)
        },
        exchange: () => Promise.reject(new Error('nobody answers')),
        fetch: () => Promise.reject(new Error('nobody has it')),
      },
    })
    return {
      handle: (input) => {
        gossip.receive(ANNA.id, input)
        return gossip.answer(ANNA.id, input)
      },
      verify: (_, result) => {
        if (sent > 1_100) return 'what is sent does not fit a datagram'
        return (result as Uint8Array).length > MAX_EXCHANGE_BYTES ? 'the answer is too long' : undefined
      },
      alive: () => (gossip.status().peers === 1 ? undefined : 'it has lost its peer'),
      close: () => gossip.close(),
    }
  },
}

export const gossipTargets: readonly Target[] = [rumor, packet, exchange, peer]
