/** Sessions without keys, for what only keeps them. */
import type { DatagramSession } from '@pc/identity'
import { SeededRandom } from '@pc/testkit'
import { type Handshake, type LiveSession, Pair } from '../../src/sessions/live-session.js'
import { fakeSocket, identityOf } from './doors.js'

const random = new SeededRandom('live sessions')
const HERE = fakeSocket()

export function pairOf(number = 1, host = `10.0.0.${number}`): Pair {
  return new Pair(identityOf(number).id, { host, port: 3_485 }, HERE)
}

export function liveOf(pair: Pair, fields: Partial<LiveSession> = {}): LiveSession {
  const index = random.integer(0, 2 ** 32 - 1)
  return {
    index,
    pair,
    session: sessionOf(pair),
    initiator: false,
    createdAt: 0,
    usedAt: 0,
    confirmed: false,
    addressProved: false,
    bytesIn: 0,
    bytesOut: 0,
    initiation: `first message ${index}`,
    response: undefined,
    renewing: false,
    attackedAt: Number.NEGATIVE_INFINITY,
    dueAt: Number.POSITIVE_INFINITY,
    ...fields,
  }
}

export function sessionOf({ id }: Pair, remoteIndex = random.integer(0, 2 ** 32 - 1)): DatagramSession {
  return { remoteId: id, remoteIndex, sealed: 0, seal: (_, plaintext) => plaintext, open: () => 'seal' }
}

export function handshakeOf(pair: Pair): Handshake {
  return {
    index: random.integer(0, 2 ** 32 - 1),
    pair,
    exchange: { message: new Uint8Array(0), finish: () => undefined },
    startedAt: 0,
    early: undefined,
    packet: new Uint8Array(0),
    held: [],
    repetitions: 0,
    cookiesTaken: 0,
    dueAt: Number.POSITIVE_INFINITY,
  }
}
