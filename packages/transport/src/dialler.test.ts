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

function dialler(
  connect: NetworkProtocol['connect'],
  limit = 512,
  peerBook = new PeerBook(),
  makeRoom: () => Promise<void> | undefined = () => undefined,
) {
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
    dialler: new Dialler({ ownId, protocol, peerBook, limit, makeRoom, clock, random, own }),
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

test('asks for room before it turns anybody away', async () => {
  const open: Connection[] = []
  const makeRoom = async (): Promise<void> => {
    open[0]?.destroy()
    await open.shift()?.closed
  }
  const { dialler: subject } = dialler(async () => streamPair()[0], 1, new PeerBook(), makeRoom)
  open.push(await subject.dial([ADDRESS]))
  const next = await subject.dial([ADDRESS])
  expect(open).toEqual([])
  await expect(subject.dial([ADDRESS])).rejects.toMatchObject({ code: 'RESOURCE_BUSY' })
  next.destroy()
})

test('a dial that fails gives its place back', async () => {
  const refused = new TransportError('BAD_CERTIFICATE', 'no peer')
  const { dialler: subject } = dialler(() => Promise.reject(refused), 1)
  for (let count = 0; count < 3; count += 1) {
    await expect(subject.dial([ADDRESS])).rejects.toMatchObject({ code: 'ALL_ATTEMPTS_FAILED' })
  }
})

const OWN = createIdentity(new Uint8Array(32).fill(9)).id
/** Both ends of a stream of the memory network belong to fixed peers: this is who answers a dial there. */
const THERE = createIdentity(new Uint8Array(32).fill(2)).id

test('no more connections than the limit are open, counting those under way; an end makes room', async () => {
  const { dialler: subject, owned } = dialler(async () => streamPair()[0], 2)
  const first = await subject.dial([ADDRESS])
  const second = subject.dial([ADDRESS])
  await expect(subject.dial([ADDRESS])).rejects.toMatchObject({ code: 'RESOURCE_BUSY', retryable: true })
  await second
  await expect(subject.dial([ADDRESS])).rejects.toMatchObject({ code: 'RESOURCE_BUSY' })
  first.destroy()
  await first.closed
  await undefined
  await subject.dial([ADDRESS])
  await expect(subject.dial([ADDRESS])).rejects.toMatchObject({ code: 'RESOURCE_BUSY' })
  expect(owned).toHaveLength(3)
  for (const connection of owned) connection.destroy()
})

test('a dial that cannot start gives its place back too', async () => {
  const { dialler: subject } = dialler(() => Promise.reject(new Error('not reached')), 1)
  const signal = AbortSignal.abort(new Error('enough'))
  for (let count = 0; count < 3; count += 1) {
    await expect(subject.dial([ADDRESS], undefined, signal)).rejects.toThrow('enough')
  }
})

test('whom to expect is passed on, and what a dial proves is noted', async () => {
  const expected: unknown[] = []
  const book = new PeerBook()
  const { dialler: subject, owned } = dialler(
    async (_address, options) => {
      expected.push(options?.expect)
      return streamPair()[0]
    },
    512,
    book,
  )
  await subject.dial([ADDRESS], THERE)
  await subject.dial([ADDRESS])
  expect(expected).toEqual([THERE, undefined])
  expect(book.addressesOf(THERE)).toEqual([streamPair()[0].remoteAddress])
  for (const connection of owned) connection.destroy()
})

test('a peer is dialled where the peer book says it is, and not at all when it says nothing', async () => {
  const book = new PeerBook()
  const dialled: unknown[] = []
  const { dialler: subject, owned } = dialler(
    async (address) => {
      dialled.push(address)
      return streamPair()[0]
    },
    512,
    book,
  )
  await expect(subject.dialKnown(THERE)).rejects.toMatchObject({
    code: 'NO_ADDRESS',
    message: expect.stringContaining(THERE.short),
  })
  book.noteHint(THERE, ADDRESS)
  await subject.dialKnown(THERE)
  expect(dialled).toEqual([ADDRESS])
  for (const connection of owned) connection.destroy()
})

test('an address that leads back to ourselves is left, and not noted as ours', async () => {
  const book = new PeerBook()
  const [stream] = streamPair()
  const { dialler: subject, owned } = dialler(async () => ({ ...stream, remoteId: OWN }), 512, book)
  await expect(subject.dial([ADDRESS])).rejects.toMatchObject({
    code: 'SELF_DIALLED',
    address: stream.remoteAddress,
  })
  expect([stream.duplex.destroyed, owned.length, book.size]).toEqual([true, 0, 0])
})

test.each([
  [['WRONG_PEER'], 'WRONG_PEER'],
  [['WRONG_PEER', 'WRONG_PEER'], 'WRONG_PEER'],
  [['SELF_DIALLED', 'SELF_DIALLED'], 'SELF_DIALLED'],
  [['WRONG_PEER', 'SELF_DIALLED'], 'ALL_ATTEMPTS_FAILED'],
  [['WRONG_PEER', 'BAD_CERTIFICATE'], 'ALL_ATTEMPTS_FAILED'],
  [['BAD_CERTIFICATE', 'WRONG_PEER'], 'ALL_ATTEMPTS_FAILED'],
  [['BAD_CERTIFICATE'], 'ALL_ATTEMPTS_FAILED'],
] as const)('addresses that all end with %j are one error: %s', async (codes, code) => {
  const addresses = codes.map((_, index) => ({ host: `10.0.0.${index + 1}`, port: 3485 }))
  const { dialler: subject } = dialler(async (address) => {
    const index = addresses.findIndex(({ host }) => host === address.host)
    throw new TransportError(codes[index] ?? 'SYSTEM', `failed at ${address.host}`, { address })
  })
  const error = await subject.dial(addresses, THERE).catch((reason: TransportError) => reason)
  expect(error).toMatchObject({ code })
  if (code === 'ALL_ATTEMPTS_FAILED')
    expect(error).toMatchObject({ attempts: codes.map((one) => ({ error: { code: one } })) })
  else expect(error).toMatchObject({ address: addresses[0], cause: { code }, message: 'failed at 10.0.0.1' })
})

test('a signal cuts its own dial with its reason, and no other', async () => {
  const signals: (AbortSignal | undefined)[] = []
  const { clock, dialler: subject } = dialler((_address, options) => {
    signals.push(options?.signal)
    return new Promise(() => {})
  })
  const controller = new AbortController()
  const cut = subject.dial([ADDRESS], undefined, controller.signal).catch((error: Error) => error.message)
  const other = subject.dial([ADDRESS]).catch((error: TransportError) => error.code)
  controller.abort(new Error('enough'))
  expect(await cut).toBe('enough')
  expect(signals.map((signal) => signal?.aborted)).toEqual([true, false])
  subject.close(CLOSED)
  expect(await other).toBe('CLOSED')
  expect(clock.pending).toBe(0)
})
