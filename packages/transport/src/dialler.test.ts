import { createIdentity } from '@pc/identity'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import { expect, test } from 'vitest'
import { streamPair } from '../test/_util/stream-pair.js'
import { Connection } from './connection.js'
import { Dialler } from './dialler.js'
import { TransportError } from './errors.js'
import type { NetworkProtocol, SecureStream } from './network-protocol.js'
import { PeerBook } from './peer-book.js'

const ADDRESS = { host: '10.0.0.2', port: 3485 }
const CLOSED = new TransportError('CLOSED', 'The connector is closed.')

function dialler(connect: NetworkProtocol['connect'], limit = 512) {
  const clock = new VirtualClock()
  const owned: Connection[] = []
  const own = (stream: SecureStream): Connection => {
    const connection = new Connection(stream, { clock })
    owned.push(connection)
    return connection
  }
  const protocol = { name: 'scripted', connect } as NetworkProtocol
  const random = new SeededRandom('dialler')
  const ownId = createIdentity(new Uint8Array(32).fill(9)).id
  return {
    clock,
    owned,
    dialler: new Dialler({ ownId, protocol, peerBook: new PeerBook(), limit, clock, random, own }),
  }
}

test('a dial that succeeds in the turn of the close is owned before it, or destroyed', async () => {
  const outcomes = new Set<string>()
  for (let turns = 0; turns < 16; turns += 1) {
    const [stream] = streamPair()
    let arrive: (stream: SecureStream) => void = () => {}
    const connecting = new Promise<SecureStream>((resolve) => {
      arrive = resolve
    })
    const { clock, owned, dialler: subject } = dialler(() => connecting)
    const dialled = subject.dial([ADDRESS]).then(
      () => 'owned',
      (error) => error.code,
    )
    arrive(stream)
    for (let turn = 0; turn < turns; turn += 1) await undefined
    const ownedBefore = owned.length
    subject.close(CLOSED)
    const outcome = await dialled
    expect(owned).toHaveLength(ownedBefore)
    expect(outcome).toBe(ownedBefore === 1 ? 'owned' : 'CLOSED')
    expect(stream.duplex.destroyed).toBe(ownedBefore === 0)
    expect(clock.pending).toBe(0)
    outcomes.add(outcome)
    stream.duplex.destroy()
  }
  expect([...outcomes].sort()).toEqual(['CLOSED', 'owned'])
})

test('many dials at once warn of no leak, and end together; later ones do not start', async () => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  const { clock, dialler: subject } = dialler(() => new Promise(() => {}))
  const dials = Array.from({ length: 30 }, () => subject.dial([ADDRESS]).catch((error) => error.code))
  subject.close(CLOSED)
  expect(new Set(await Promise.all(dials))).toEqual(new Set(['CLOSED']))
  await expect(subject.dial([ADDRESS])).rejects.toBe(CLOSED)
  await new Promise(setImmediate)
  process.off('warning', onWarning)
  expect(warnings).toEqual([])
  expect(clock.pending).toBe(0)
})

test('a dial that fails gives its place back', async () => {
  const refused = new TransportError('BAD_CERTIFICATE', 'no peer')
  const { dialler: subject } = dialler(() => Promise.reject(refused), 1)
  for (let count = 0; count < 3; count += 1) {
    await expect(subject.dial([ADDRESS])).rejects.toMatchObject({ code: 'ALL_ATTEMPTS_FAILED' })
  }
})
