import { createCipheriv, createSecretKey } from 'node:crypto'
import {
  createKeyExchange,
  type DatagramSession,
  type KeyExchange,
  openNetwork,
  type PendingExchange,
  packSessionPacket,
  type ReceivedExchange,
  readSessionPacket,
  receiverIndexOf,
  SealedSession,
  SessionPacketType,
  sessionIndexOf,
  sessionPacketTypeOf,
} from '@pc/identity'
import type { SeededRandom } from '@pc/testkit'
import type { Shape } from '../mutate/shape.js'
import { nothing, type Target } from '../target.js'
import { bytesOf, identity, join, linesOf, NETWORK, record } from './seeds.js'

const [ANNA, BEN] = [identity(1), identity(2)]
const COOKIE = new Uint8Array(16).fill(0xc0)
const MAC_BYTES = 16

/** Bytes before a MAC or a seal that is then made right again. */
function remade(head: number, around: number, remake: (before: Uint8Array) => Uint8Array): Shape {
  return {
    around: head + around,
    wrap: (value, _random, seed) => remake(join(seed.subarray(0, head), value)),
    mutate(bytes, random) {
      if (bytes.length < head + around) return undefined
      const before = Uint8Array.from(bytes.subarray(0, bytes.length - around))
      const at = random.integer(0, random.float() < 0.5 ? head - 1 : before.length - 1)
      before[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.integer(0, 255)])
      return remake(lengthened(before, random))
    },
  }
}

function lengthened(before: Uint8Array, random: SeededRandom): Uint8Array {
  if (random.float() < 0.7) return before
  return random.float() < 0.5 ? before.subarray(0, -1) : join(before, random.bytes(random.integer(1, 8)))
}

const withMac = (before: Uint8Array) => join(before, NETWORK.mac(before))
const first = exchangeOf(ANNA, 0xa1)
const message1 = (early: Uint8Array) => (first.initiate(BEN.id, early, 1) as PendingExchange).message

const sessionPacket: Target = {
  name: 'identity/readSessionPacket',
  about: 'what leads to a session, also changed under a right MAC',
  covers: ['@pc/identity readSessionPacket', '@pc/identity sessionPacketTypeOf', '@pc/identity receiverIndexOf'],
  shape: remade(7, MAC_BYTES, withMac),
  seeds: () => [
    packSessionPacket(NETWORK, { type: 1, senderIndex: 1, cookie: COOKIE, message: message1(new Uint8Array(9)) }),
    packSessionPacket(NETWORK, { type: 2, receiverIndex: 1, message: new Uint8Array(52).fill(7) }),
    packSessionPacket(NETWORK, { type: 3, receiverIndex: 2 ** 32 - 1, cookie: COOKIE }),
    packSessionPacket(NETWORK, { type: 4, nonce: COOKIE.subarray(8) }),
    packSessionPacket(NETWORK, {
      type: 5,
      nonce: COOKIE.subarray(8),
      cookie: COOKIE,
      sealNonce: COOKIE.subarray(4),
      sealed: NETWORK.sealRecord(record(BEN).bytes, COOKIE.subarray(4)),
    }),
    packSessionPacket(NETWORK, { type: 6, receiverIndex: 0 }),
    ...linesOf('identity/vectors/session-packets.txt').map((line) => bytesOf(line.split(' ')[3] ?? '')),
  ],
  allows: nothing,
  open: () => ({
    handle: (input) => readSessionPacket(NETWORK, input),
    verify(input, result) {
      const read = result as ReturnType<typeof readSessionPacket>
      const type = sessionPacketTypeOf(input)
      if (typeof read === 'string') {
        const genuine = type !== undefined && NETWORK.verify(input.subarray(0, -MAC_BYTES), input.subarray(-MAC_BYTES))
        return genuine && read !== 'keyId' ? `refused as ${read} under a right MAC` : undefined
      }
      if (read.type !== type) return `its type is ${read.type} and ${type}`
      if ('receiverIndex' in read && receiverIndexOf(input) !== read.receiverIndex) return 'two receivers'
      // The filling of a request is nobody's business.
      const end = type === SessionPacketType.RECORD_REQUEST ? 15 : input.length
      const packed = packSessionPacket(NETWORK, read)
      return Buffer.compare(packed.subarray(0, end), input.subarray(0, end)) === 0
        ? undefined
        : 'packed again it differs'
    },
    alive() {
      const packet = packSessionPacket(NETWORK, { type: 6, receiverIndex: 9 })
      return typeof readSessionPacket(NETWORK, packet) === 'string' ? 'a right one is not read' : undefined
    },
  }),
}

const [SEND, RECEIVE] = [1, 2].map((byte) => createSecretKey(new Uint8Array(32).fill(byte)))

function sealed(before: Uint8Array): Uint8Array {
  const nonce = join(new Uint8Array(4), before.subarray(6, 14))
  const cipher = createCipheriv('aes-256-gcm', RECEIVE as NonNullable<typeof RECEIVE>, nonce)
  cipher.setAAD(before.subarray(0, 14))
  const body = join(cipher.update(before.subarray(14)), cipher.final())
  return join(before.subarray(0, 14), body, cipher.getAuthTag())
}

const HEADER = bytesOf('04 12 00000001 0000000000000000')
const session = () =>
  new SealedSession(BEN.id, 2, {
    send: SEND as NonNullable<typeof SEND>,
    receive: RECEIVE as NonNullable<typeof RECEIVE>,
  })

const sealedDatagram: Target = {
  name: 'identity/SealedSession.open',
  about: 'datagrams of a session, also others than its peer would send, under a right seal',
  covers: ['@pc/identity SealedSession', '@pc/identity sessionIndexOf'],
  // A seal changes the sealed bytes too, so what is changed is the datagram, sealed as if it were the plaintext.
  shape: remade(14, 0, (before) => (before.length < 14 ? before : sealed(before))),
  seeds: () => [
    sealed(HEADER),
    sealed(join(HEADER, new Uint8Array(100).fill(7))),
    sealed(join(bytesOf('ff 12 ffffffff 00000000ffffffff'), COOKIE)),
    sealed(join(bytesOf('ff 12 ffffffff 0000000100000000'), COOKIE)),
  ],
  allows: nothing,
  open() {
    let opening: DatagramSession = session()
    return {
      prepare() {
        opening = session()
      },
      handle: (input) => opening.open(input),
      verify(input, result) {
        if (typeof result !== 'string') {
          const again = sealed(join(input.subarray(0, 14), result as Uint8Array))
          if (Buffer.compare(again, input) !== 0) return 'opened what nobody sealed'
          if (opening.open(input) !== 'replay') return 'opens twice'
          const index = Buffer.from(input).readUInt32BE(2)
          return sessionIndexOf(input) === index ? undefined : `names session ${sessionIndexOf(input)}`
        }
        const counter = join(bytesOf('00000000'), bytesOf('00000000'))
        const genuine = sealed(join(HEADER.subarray(0, 6), counter, COOKIE))
        return typeof opening.open(genuine) === 'string' ? `refused as ${result}, and then the genuine one` : undefined
      },
      alive: () => (typeof session().open(sealed(HEADER)) === 'string' ? 'a genuine one is not opened' : undefined),
    }
  },
}

// As in the vectors, so that what they refuse can be changed further.
const OFFICE = openNetwork('office')
function exchangeOf(of: typeof ANNA, ephemeral: number, network = openNetwork('office')): KeyExchange {
  return createKeyExchange({ identity: of, network, random: (length) => new Uint8Array(length).fill(ephemeral) })
}

/** The hex columns of the `refused-message-…` lines about the exchange `open`. */
function refused(kind: string, column: number): Uint8Array[] {
  const lines = linesOf('identity/vectors/sessions.txt').map((line) => line.split(' '))
  const about = lines.filter(([name, exchange]) => name === kind && exchange === 'open')
  return about.map((fields) => bytesOf((fields[column] ?? '').replace('-', '')))
}

const respond: Target = {
  name: 'identity/KeyExchange.respond',
  about: 'message 1 of an exchange of keys, genuine ones with any early data among them',
  covers: ['@pc/identity createKeyExchange'],
  conversation: true,
  shape: {
    around: 128,
    wrap: (value) => message1(value),
    mutate: (_bytes, random) => message1(random.bytes(random.integer(0, 1_100))),
  },
  seeds: () => [message1(new Uint8Array(0)), message1(COOKIE), ...refused('refused-message-1', 3)],
  allows: nothing,
  open() {
    const ben = exchangeOf(BEN, 0xb2, OFFICE)
    return {
      handle: (input) => ben.respond(input, 1),
      verify(input, result) {
        if (result === undefined) return undefined
        const { remoteId, early, accept } = result as ReceivedExchange
        if (!remoteId.equals(ANNA.id)) return `it is by ${remoteId}`
        if (Buffer.compare(message1(early), input) !== 0) return 'accepted what nobody sent'
        return accept(2) === undefined ? 'there is no answer' : undefined
      },
      alive: () => (ben.respond(message1(COOKIE), 1) === undefined ? 'a genuine one is refused' : undefined),
    }
  },
}

const finish: Target = {
  name: 'identity/PendingExchange.finish',
  about: 'message 2 of an exchange of keys, genuine ones with any index among them',
  covers: ['@pc/identity createKeyExchange'],
  conversation: true,
  shape: {
    around: 1_200,
    wrap: (value) => value,
    mutate: (_bytes, random) => message2(random.pick([0, 1, 2 ** 31, 2 ** 32 - 1, random.integer(0, 2 ** 32 - 1)])),
  },
  seeds: () => [message2(2), ...refused('refused-message-2', 2)],
  allows: nothing,
  open() {
    let pending = begin()
    return {
      prepare() {
        pending = begin()
      },
      handle: (input) => pending.finish(input),
      verify(input, result) {
        if (result === undefined) {
          return pending.finish(message2(2)) === undefined ? 'the right answer is refused after it' : undefined
        }
        const { remoteIndex } = result as DatagramSession
        if (Buffer.compare(message2(remoteIndex), input) !== 0) return 'accepted what nobody answered'
        return pending.finish(input) === undefined ? undefined : 'the same keys for a second session'
      },
      alive: () => (begin().finish(message2(7)) === undefined ? 'a genuine one is refused' : undefined),
    }
  },
}

function begin(): PendingExchange {
  return first.initiate(BEN.id, new Uint8Array(0), 1) as PendingExchange
}

function message2(index: number): Uint8Array {
  const received = exchangeOf(BEN, 0xb2, OFFICE).respond(begin().message, 1)
  return received?.accept(index)?.message ?? new Uint8Array(0)
}

export const sessionTargets: readonly Target[] = [sessionPacket, sealedDatagram, respond, finish]
