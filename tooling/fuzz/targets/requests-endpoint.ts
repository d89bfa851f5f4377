/**
 * The door for datagrams. What a stranger can send is fuzzed as it is; what only a member, or the other side of a session, can make
 * (a right MAC, a right seal) is fuzzed under one: an input whose MAC or tag is zeros gets the right one before it is handed over.
 */
import { RequestsEndpoint } from '@pc/dispatch'
import {
  createKeyExchange,
  type DatagramSession,
  type Identity,
  type PendingExchange,
  packSessionPacket,
  REQUEST_NONCE_BYTES,
  readSessionPacket,
  SEAL_NONCE_BYTES,
  SessionPacketType,
  sessionIndexOf,
} from '@pc/identity'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import type { Address, DatagramSocket } from '@pc/transport'
import { encodeValue, packMacDatagram, RootCode, type Value } from '@pc/wire'
import { msgpack, type Shape } from '../mutate/shape.js'
import { nothing, type Subject, type Target } from '../target.js'
import { bytesOf, identity, join, NETWORK, record, VALUES } from './seeds.js'
import { macDatagrams } from './wire.js'

const [ANNA, BEN, CARL] = [identity(1), identity(2), identity(3)]
const STRANGER: Address = { host: '192.0.2.7', port: 3_485 }
const MEMBER: Address = { host: '192.0.2.8', port: 3_485 }
const PEER: Address = { host: '192.0.2.9', port: 3_485 }

const ANNOUNCEMENT = 0x11
const SEALED = 0x12
const HANDSHAKE = 0x13
const MAC_BYTES = 16
const NO_MAC = new Uint8Array(MAC_BYTES)
/** Root code, protection, index, counter. */
const SEALED_HEAD = 14
/** Stands for the id of a request that is under way, and for the nonce of a question. */
const ASKED = new Uint8Array(8).fill(0xaa)
const ID_END = SEALED_HEAD + 1 + ASKED.length

/** Kind, id if there is one, body; to be sealed. */
function sealedSeed(rootCode: number, kind: number, body: Value, id: Uint8Array = new Uint8Array(0)): Uint8Array {
  const head = Uint8Array.of(rootCode, SEALED, ...new Uint8Array(SEALED_HEAD - 2))
  return join(head, Uint8Array.of(kind), id, encodeValue(body), NO_MAC)
}

const SESSION_SEEDS: readonly Uint8Array[] = [
  ...VALUES.map((body, n) => sealedSeed(0x80 + (n % 3), 1, body, new Uint8Array(8).fill(n))),
  ...VALUES.slice(0, 4).map((body) => sealedSeed(0x81, 0, body)),
  sealedSeed(0x80, 2, [1, 'an answer'], ASKED),
  sealedSeed(0x80, 3, [5, 'an error'], ASKED),
  sealedSeed(0x80, 2, null, new Uint8Array(8)),
  sealedSeed(0x03, 4, null),
  sealedSeed(0x99, 1, 'for nobody', ASKED),
]

const unmarked = (bytes: Uint8Array): Uint8Array => join(bytes.subarray(0, -MAC_BYTES), NO_MAC)
const COOKIE = new Uint8Array(16).fill(7)
const PACKET_SEEDS: readonly Uint8Array[] = [
  packSessionPacket(NETWORK, { type: 3, receiverIndex: 1, cookie: COOKIE }),
  packSessionPacket(NETWORK, { type: 4, nonce: ASKED }),
  packSessionPacket(NETWORK, {
    type: 5,
    nonce: ASKED,
    cookie: COOKIE,
    sealNonce: COOKIE.subarray(0, SEAL_NONCE_BYTES),
    sealed: NETWORK.sealRecord(record(BEN).bytes, COOKIE.subarray(0, SEAL_NONCE_BYTES)),
  }),
  packSessionPacket(NETWORK, { type: 6, receiverIndex: 1 }),
].map(unmarked)

const values = msgpack()

/** The head of its kind, a value, and room for a MAC or a tag. */
const datagrams: Shape = {
  around: ID_END + MAC_BYTES,
  wrap: (value, _random, seed) => join(seed.subarray(0, bodyOffset(seed)), value, NO_MAC),
  mutate(bytes, random) {
    const offset = bodyOffset(bytes)
    if (bytes.length < offset + MAC_BYTES) return undefined
    const [head, body] = [Uint8Array.from(bytes.subarray(0, offset)), bytes.subarray(offset, -MAC_BYTES)]
    if (random.float() < 0.4) {
      head[random.integer(0, offset - 1)] = random.pick([0, 1, 2, 3, 4, 0x7f, 0x80, 0xaa, 0xff, random.integer(0, 255)])
      return join(head, body, NO_MAC)
    }
    const changed = values.mutate(body, random)
    return changed === undefined ? undefined : join(head, changed, NO_MAC)
  },
}

function bodyOffset(bytes: Uint8Array): number {
  if (bytes[1] === ANNOUNCEMENT) return 20
  if (bytes[1] === HANDSHAKE) return 7
  const kind = bytes[SEALED_HEAD] ?? 0
  return kind >= 1 && kind <= 3 ? ID_END : SEALED_HEAD + 1
}

/** What a stranger may cause beside the fate of his datagram. */
const EFFECTS = new Set(
  'received,sent,sendFailed,early,cookiesSent,recordsSent,resetsSent,established,handshakesFailed,repetitions,requests,replies,bytesIn,bytesOut'.split(
    ',',
  ),
)

/** Anna's endpoint, and Ben, who has a session with it and keys to say what he likes in it. */
class Door implements Subject {
  readonly #clock = new VirtualClock()
  readonly #random = new SeededRandom('door')
  readonly #exchange = createKeyExchange({ identity: BEN, network: NETWORK, random: (n) => this.#random.bytes(n) })
  readonly #outgoing: { bytes: Uint8Array; to: Address }[] = []
  readonly #socket: DatagramSocket
  readonly #endpoint: RequestsEndpoint
  #session: DatagramSession | undefined
  #asked: Uint8Array = ASKED
  #nonce: Uint8Array = ASKED
  #input: Uint8Array = ASKED
  #heard = 0
  #stamp = 0
  #before = { fates: 0, received: 0, in: 0, out: 0 }

  constructor() {
    const outgoing = this.#outgoing
    this.#socket = {
      address: { host: '192.0.2.1', port: 3_485 },
      sendQueueBytes: 0,
      sendErrors: 0,
      receiveBufferBytes: 0,
      post: (bytes, to) => outgoing.push({ bytes, to }) > 0,
      send: async () => {},
      joinGroup: () => {},
      leaveGroup: () => {},
      close: async () => {},
    }
    const own = record(ANNA)
    this.#endpoint = RequestsEndpoint.create({
      identity: ANNA,
      network: NETWORK,
      bootId: new Uint8Array(8).fill(1),
      clock: this.#clock,
      random: new SeededRandom('anna'),
      record: () => own,
      // What the peer may send must not end the fuzzing.
      limits: { peer: { packets: { ratePerSecond: 1e6, burst: 1e6 }, bytes: { ratePerSecond: 1e9, burst: 1e9 } } },
    })
    this.#endpoint.attach(this.#socket)
    this.#endpoint.onAnnouncement(({ body }) => {
      this.#heard += 1
      if (body === true) throw new Error('a handler that fails')
    })
    this.#endpoint.register(0x80, { access: 'anyone' }, ({ body }) => body)
    this.#endpoint.register(0x81, { access: 'anyone', idempotent: true }, ({ body }) => body)
    this.#endpoint.register(0x82, { access: 'anyone' }, () => {
      throw new Error('a handler that fails')
    })
  }

  async prepare(input: Uint8Array): Promise<void> {
    await this.#clock.advance(100)
    this.#session ??= this.#agree()
    this.#ask()
    this.#input = this.#finished(input)
    this.#outgoing.length = 0
    this.#before = this.#counts()
  }

  handle(): void {
    const [, second] = this.#input
    this.#endpoint.receive(this.#input, second === SEALED ? PEER : STRANGER, this.#socket)
  }

  verify(): string | undefined {
    const now = this.#counts()
    if (now.received - this.#before.received !== 1) return 'it was not received once'
    if (now.fates - this.#before.fates !== 1) return 'a datagram was counted twice, or not at all'
    const stranger = this.#outgoing.filter(({ to }) => to.host === STRANGER.host)
    const out = stranger.reduce((sum, { bytes }) => sum + bytes.length, 0)
    if (out > now.in - this.#before.in) return `${out} bytes went to an address that sent ${now.in - this.#before.in}`
    const { sessions, handshakes, pairs, pending } = this.#endpoint.size
    return sessions <= 4 && handshakes <= 2 && pairs <= 4 && pending <= 64
      ? undefined
      : `it keeps ${JSON.stringify(this.#endpoint.size)}`
  }

  alive(): string | undefined {
    this.#stamp += 1
    const fields = {
      keyId: NETWORK.keyId,
      sentAt: this.#stamp,
      bootId: new Uint8Array(8).fill(5),
      body: encodeValue(1),
    }
    const announcement = packMacDatagram({ rootCode: RootCode.DISCOVERY, ...fields }, (bytes) => NETWORK.mac(bytes))
    this.#heard = 0
    this.#endpoint.receive(announcement, MEMBER, this.#socket)
    if (this.#heard !== 1) return `an honest announcement is not handed on (${JSON.stringify(this.#endpoint.counters)})`
    this.#session ??= this.#agree()
    this.#outgoing.length = 0
    const id = this.#random.bytes(8)
    const request = join(Uint8Array.of(1), id, encodeValue(['alive', this.#stamp]))
    this.#endpoint.receive(this.#session.seal(0x80, request), PEER, this.#socket)
    const replies = this.#outgoing.map(({ bytes }) => this.#session?.open(bytes))
    const right = join(Uint8Array.of(2), id, encodeValue(['alive', this.#stamp]))
    return replies.some((reply) => reply instanceof Uint8Array && Buffer.compare(reply, right) === 0)
      ? undefined
      : `a peer with a session is not answered (${JSON.stringify(this.#endpoint.counters)})`
  }

  close(): Promise<void> {
    return this.#endpoint.close({ signal: AbortSignal.abort() })
  }

  /** A session that Ben begins and uses. */
  #agree(): DatagramSession {
    const index = this.#random.integer(0, 2 ** 32 - 1)
    const begun = this.#exchange.initiate(ANNA.id, new Uint8Array(0), index) as PendingExchange
    this.#outgoing.length = 0
    const cookie = new Uint8Array(16)
    const first = packSessionPacket(NETWORK, { type: 1, senderIndex: index, cookie, message: begun.message })
    this.#endpoint.receive(first, PEER, this.#socket)
    const answers = this.#outgoing.map(({ bytes }) => readSessionPacket(NETWORK, bytes))
    const answer = answers.find((one) => typeof one !== 'string' && one.type === 2)
    if (answer === undefined || typeof answer === 'string' || answer.type !== 2) throw new Error('no answer')
    const session = begun.finish(answer.message) as DatagramSession
    this.#endpoint.receive(session.seal(0x03, Uint8Array.of(4)), PEER, this.#socket)
    return session
  }

  /** Anna asks Ben, and whoever is where strangers are, so that there is something to answer. */
  #ask(): void {
    this.#outgoing.length = 0
    const options = { timeoutMs: 90 }
    this.#endpoint.submit({ id: BEN.id, address: PEER }, 0x80, 'question', options).catch(() => {})
    this.#endpoint.recordAt(STRANGER, options).catch(() => {})
    for (const { bytes, to } of this.#outgoing) {
      if (to.host === STRANGER.host) this.#nonce = bytes.subarray(7, 7 + REQUEST_NONCE_BYTES)
      else {
        const opened = this.#session?.open(bytes)
        if (opened instanceof Uint8Array && opened[0] === 1) this.#asked = opened.subarray(1, 9)
      }
    }
  }

  /** The input with what only a member, or the peer, can make. */
  #finished(input: Uint8Array): Uint8Array {
    const [rootCode = 0, second] = input
    if (input.length < MAC_BYTES + 2 || !isZero(input.subarray(-MAC_BYTES))) return input
    const before = Uint8Array.from(input.subarray(0, -MAC_BYTES))
    if (second === SEALED) {
      const plaintext = before.subarray(SEALED_HEAD)
      if (before.length < SEALED_HEAD || plaintext.length > 1_170) return input
      if (isAsked(plaintext, 1)) plaintext.set(this.#asked, 1)
      return this.#session?.seal(rootCode, plaintext) ?? input
    }
    // A first message under a right MAC costs a Diffie-Hellman: those have a target of their own.
    if (second === HANDSHAKE && before[2] === SessionPacketType.INITIATION) return input
    if (second === HANDSHAKE && isAsked(before, 7)) before.set(this.#nonce, 7)
    return join(before, NETWORK.mac(before))
  }

  #counts(): { fates: number; received: number; in: number; out: number } {
    const { counters } = this.#endpoint
    const fates = Object.entries(counters).reduce((sum, [name, count]) => (EFFECTS.has(name) ? sum : sum + count), 0)
    return { fates, received: counters.received, in: counters.bytesIn, out: counters.bytesOut }
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}

function isAsked(bytes: Uint8Array, at: number): boolean {
  return Buffer.compare(bytes.subarray(at, at + ASKED.length), ASKED) === 0
}

const receive: Target = {
  name: 'dispatch/RequestsEndpoint.receive',
  about:
    'datagrams from anybody, members and a peer with a session: announcements, sealed ones, packets about sessions',
  covers: ['@pc/dispatch RequestsEndpoint', '@pc/transport AddressLimiter'],
  shape: datagrams,
  seeds: () => [
    ...[...macDatagrams(VALUES), ...macDatagrams([['hello'], true], RootCode.DISCOVERY)].map(unmarked),
    ...macDatagrams([['hello']], RootCode.KADEMLIA),
    ...SESSION_SEEDS,
    ...PACKET_SEEDS,
  ],
  allows: nothing,
  open: () => new Door(),
}

/** Early data of a first message: what is fuzzed is sealed in it. */
function firstMessage(of: Identity, early: Uint8Array, index: number): Uint8Array {
  const exchange = createKeyExchange({ identity: of, network: NETWORK, random: (n) => new Uint8Array(n).fill(0xc1) })
  const begun = exchange.initiate(ANNA.id, early.subarray(0, 900), index) as PendingExchange
  return packSessionPacket(NETWORK, {
    type: 1,
    senderIndex: index,
    cookie: new Uint8Array(16),
    message: begun.message,
  })
}

/** Root code, length, kind, id, body. */
function earlySeed(rootCode: number, body: Value): Uint8Array {
  const message = join(Uint8Array.of(1), new Uint8Array(8).fill(9), encodeValue(body))
  return join(Uint8Array.of(rootCode, message.length >> 8, message.length & 255), message)
}

const EARLY_HEAD = 12
const earlyData: Shape = {
  around: EARLY_HEAD,
  wrap: (value, _random, seed) => join(seed.subarray(0, EARLY_HEAD), value),
  mutate(bytes, random) {
    if (bytes.length < EARLY_HEAD) return undefined
    const head = Uint8Array.from(bytes.subarray(0, EARLY_HEAD))
    const body = values.mutate(bytes.subarray(EARLY_HEAD), random)
    if (body === undefined || random.float() < 0.4) {
      head[random.integer(0, EARLY_HEAD - 1)] = random.integer(0, 255)
      return join(head, bytes.subarray(EARLY_HEAD))
    }
    const length = EARLY_HEAD - 3 + body.length
    head[1] = length >> 8
    head[2] = length & 255
    return join(head, body)
  },
}

const begin: Target = {
  name: 'dispatch/RequestsEndpoint.receive-first-message',
  about: 'first messages of handshakes with anything in their early data, and answers to one',
  covers: ['@pc/dispatch RequestsEndpoint'],
  // Its time is that of the exchange of keys, which has targets of its own.
  untimed: true,
  weight: 0.2,
  shape: earlyData,
  seeds: () => [
    ...VALUES.map((body, n) => earlySeed(0x80 + (n % 3), body)),
    earlySeed(0x99, null),
    new Uint8Array(0),
    bytesOf('81 0000'),
    bytesOf('81 ffff 01'),
  ],
  allows: nothing,
  open() {
    const clock = new VirtualClock()
    const made = RequestsEndpoint.create({
      identity: ANNA,
      network: NETWORK,
      bootId: new Uint8Array(8).fill(1),
      clock,
      random: new SeededRandom('anna'),
      // Else every first message would cost the memory of converting a key, which is its own target's matter.
      known: (bytes) => [BEN, CARL].find(({ id }) => Buffer.compare(id.bytes, bytes) === 0)?.id,
    })
    let [into, out] = [0, 0]
    const answered: Uint8Array[] = []
    const socket: DatagramSocket = {
      address: { host: '192.0.2.1', port: 3_485 },
      sendQueueBytes: 0,
      sendErrors: 0,
      receiveBufferBytes: 0,
      post: (bytes) => {
        out += bytes.length
        return answered.push(bytes) > 0
      },
      send: async () => {},
      joinGroup: () => {},
      leaveGroup: () => {},
      close: async () => {},
    }
    made.attach(socket)
    made.register(0x80, { access: 'anyone' }, () => {
      throw new Error('what must not be repeated was run from a first message')
    })
    made.register(0x81, { access: 'anyone', idempotent: true }, ({ body }) => body)
    let index = 0
    let packet: Uint8Array = new Uint8Array(0)
    return {
      async prepare(input) {
        // Long enough for what was begun to be forgotten.
        await clock.advance(3_100)
        index += 1
        packet = firstMessage(CARL, input, index)
        into = packet.length
        out = 0
        answered.length = 0
      },
      handle: () => made.receive(packet, STRANGER, socket),
      verify() {
        if (out > into) return `${out} bytes went to an address that sent ${into}`
        if (made.counters.handlerFailed > 0) return 'what must not be repeated was run from a first message'
        const first = answered[0] && sessionIndexOf(answered[0])
        return first !== undefined && made.size.unconfirmed === 1 ? undefined : 'a right first message is not answered'
      },
      async alive() {
        await clock.advance(3_100)
        index += 1
        answered.length = 0
        made.receive(firstMessage(BEN, earlySeed(0x81, 'x'), index), PEER, socket)
        return answered.length > 0 ? undefined : 'an honest first message is not answered'
      },
      close: () => made.close({ signal: AbortSignal.abort() }),
    }
  },
}

export const requestsEndpointTargets: readonly Target[] = [receive, begin]
