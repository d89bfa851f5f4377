import { EventEmitter } from 'node:events'
import { signPeerRecord } from '@pc/identity'
import { Membership, type Statement, verifyStatement } from '@pc/membership'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import type { Connector } from '@pc/transport'
import { opaque } from '../mutate/shape.js'
import { nothing, type Target } from '../target.js'
import { identity } from './seeds.js'

const [ANNA, BERT, CARLA] = [identity(1), identity(2), identity(3)]
const DOMAIN = 'pc-membership'
const INCARNATION = [0, 0, 0, 0, 0, 9]

/** As docs/protocol.md has it. */
function statement(kind: number, by: typeof ANNA, about: typeof ANNA): Buffer {
  const accuser = kind === 0 ? by.id.bytes : []
  const signed = Buffer.from([kind, ...about.id.bytes, ...INCARNATION, ...accuser])
  return Buffer.concat([signed, by.sign(DOMAIN, signed)])
}

const STATEMENTS: readonly Buffer[] = [
  statement(0, ANNA, CARLA),
  statement(0, ANNA, BERT),
  statement(1, CARLA, CARLA),
  statement(2, CARLA, CARLA),
]
const CARRIED = STATEMENTS.flatMap((bytes) => [bytes.length, ...bytes])
const SEQUENCE = [0, 0, 0, 7]
const PACKETS: readonly Uint8Array[] = [
  Buffer.from([0, ...INCARNATION, ...SEQUENCE, ...CARRIED]),
  Buffer.from([1, ...INCARNATION, ...SEQUENCE]),
  Buffer.from([2, ...INCARNATION, ...SEQUENCE, ...CARLA.id.bytes, ...CARRIED]),
  Buffer.from([3, ...INCARNATION, ...SEQUENCE]),
  ...STATEMENTS.map((bytes) => Buffer.from([4, ...INCARNATION, bytes.length, ...bytes])),
  Buffer.from([99, ...INCARNATION]),
]

const signature: Target = {
  name: 'membership/verifyStatement',
  about: 'what somebody says of somebody, as anybody may pass it on',
  covers: ['@pc/membership verifyStatement'],
  shape: opaque,
  seeds: () => STATEMENTS,
  allows: nothing,
  open: () => ({
    handle: (input) => verifyStatement({ bytes: input } as Statement, ANNA.id),
    verify: (input, good) =>
      good === true && !STATEMENTS.some((bytes) => bytes.equals(input)) ? 'what nobody signed passes' : undefined,
    alive: () =>
      verifyStatement({ bytes: STATEMENTS[0] } as unknown as Statement, ANNA.id)
        ? undefined
        : 'a real one does not pass',
  }),
}

const peer: Target = {
  name: 'membership/Membership',
  about: 'packets of a proved peer, through the driver and its state machine',
  // A packet, its signatures, and what is passed on.
  conversation: true,
  covers: ['@pc/membership Membership', '@pc/membership MembershipState'],
  shape: opaque,
  seeds: () => PACKETS,
  allows: nothing,
  open: () => {
    let longest = 0
    const membership = Membership.create({
      identity: BERT,
      clock: new VirtualClock(),
      random: new SeededRandom('fuzz'),
      connector: {
        events: new EventEmitter() as Connector['events'],
        current: () => undefined,
        control: () => Promise.reject(new Error('nobody answers')),
        reach: () => Promise.reject(new Error('nobody answers')),
      },
      transport: {
        send: (_, bytes) => {
          longest = Math.max(longest, bytes.length)
        },
      },
    })
    for (const one of [ANNA, CARLA]) {
      membership.met(one.id, signPeerRecord(one, { sequence: 1, name: 'one', addresses: [], capabilities: [] }))
    }
    return {
      handle: (input) => membership.receive(ANNA.id, input),
      verify: () => (longest > 1_100 ? 'what is sent does not fit a datagram' : undefined),
      alive: () => (membership.members().length === 2 ? undefined : 'it has lost a peer'),
      close: () => membership.close(),
    }
  },
}

export const membershipTargets: readonly Target[] = [signature, peer]
