import { createTestLogger } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { FakeDgram, machineOf } from '../test/_util/fake-dgram.js'
import type { Address } from './address.js'
import type { BindOptions, DatagramSocket } from './network-protocol.js'
import { bindUdp } from './udp-socket.js'

const TO: Address = { host: '10.0.0.2', port: 4_000 }
const BYTES = Uint8Array.of(1)
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function setUp(options: Partial<BindOptions> = {}, platform = 'linux', fake = new FakeDgram()) {
  const logger = createTestLogger()
  const told: { code: string; to: Address }[] = []
  const socket = await bindUdp(
    { host: '10.0.0.1', port: 0, onSendError: ({ code }, to) => void told.push({ code, to }), ...options },
    () => {},
    logger,
    machineOf(fake, platform),
  )
  const logged = (level: string): number => logger.lines.filter((line) => line.level === level).length
  return { socket, fake, told, logged }
}

describe('what the system says to a datagram', () => {
  it.each([
    ['ENOBUFS', 'DATAGRAM_DROPPED', true, { warn: 0, error: 0 }],
    ['EAGAIN', 'DATAGRAM_DROPPED', true, { warn: 0, error: 0 }],
    ['ENOMEM', 'DATAGRAM_DROPPED', true, { warn: 0, error: 0 }],
    ['EMSGSIZE', 'DATAGRAM_TOO_LARGE', false, { warn: 0, error: 1 }],
    ['ENETDOWN', 'UNREACHABLE', true, { warn: 1, error: 0 }],
    ['ENETUNREACH', 'UNREACHABLE', true, { warn: 1, error: 0 }],
    ['EHOSTUNREACH', 'UNREACHABLE', true, { warn: 1, error: 0 }],
    ['ENODEV', 'ADDRESS_NOT_AVAILABLE', true, { warn: 1, error: 0 }],
    ['EADDRNOTAVAIL', 'ADDRESS_NOT_AVAILABLE', true, { warn: 1, error: 0 }],
    ['EPERM', 'PERMISSION_DENIED', false, { warn: 1, error: 0 }],
    ['EACCES', 'PERMISSION_DENIED', false, { warn: 1, error: 0 }],
    ['EINVAL', 'SYSTEM', false, { warn: 1, error: 0 }],
  ])('%s becomes %s, told each time, logged once, and the socket goes on', async (errno, code, retryable, lines) => {
    const { socket, fake, told, logged } = await setUp()
    fake.failures.set(TO.host, errno)
    for (let number = 0; number < 3; number += 1) expect(socket.post(BYTES, TO)).toBe(true)
    await turn()
    expect(told).toEqual(Array.from({ length: 3 }, () => ({ code, to: TO })))
    await expect(socket.send(BYTES, TO)).rejects.toMatchObject({ code, retryable, cause: { code: errno }, address: TO })
    expect(socket.sendErrors).toBe(4)
    expect({ warn: logged('warn'), error: logged('error') }).toEqual(lines)
    fake.failures.clear()
    expect(socket.post(BYTES, TO)).toBe(true)
    await socket.send(BYTES, TO)
    expect(fake.sent).toHaveLength(2)
    expect(socket.sendErrors).toBe(4)
  })

  it('is logged again when the problem had gone and came back', async () => {
    const { socket, fake, logged } = await setUp()
    for (const round of [1, 2]) {
      fake.failures.set(TO.host, 'ENETDOWN')
      socket.post(BYTES, TO)
      await turn()
      expect(logged('warn')).toBe(round)
      fake.failures.clear()
      socket.post(BYTES, TO)
      await turn()
    }
  })

  it('EACCES at a broadcast address is the option that is missing', async () => {
    const to = { host: '10.0.0.255', port: 4_000 }
    const narrow = await setUp()
    narrow.fake.failures.set(to.host, 'EACCES')
    await expect(narrow.socket.send(BYTES, to)).rejects.toMatchObject({ code: 'BROADCAST_NOT_ALLOWED' })
    const wide = await setUp({ broadcast: true })
    expect(wide.fake.calls).toEqual(['broadcast true'])
    wide.fake.failures.set(to.host, 'EACCES')
    await expect(wide.socket.send(BYTES, to)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' })
  })

  it('is told to nobody once the socket is closed, and no promise hangs', async () => {
    const { socket, fake, told } = await setUp()
    fake.failures.set(TO.host, 'ECANCELED')
    socket.post(BYTES, TO)
    const sending = socket.send(BYTES, TO)
    void socket.close()
    await expect(sending).rejects.toMatchObject({ code: 'SOCKET_CLOSED' })
    await turn()
    expect(told).toEqual([])
    expect([socket.sendErrors, socket.sendQueueBytes]).toEqual([2, 0])
    expect(socket.post(BYTES, TO)).toBe(false)
  })

  it('does not reach whoever throws while it is told', async () => {
    const onSendError = (): void => {
      throw new Error('on purpose')
    }
    const { socket, fake, logged } = await setUp({ onSendError })
    fake.failures.set(TO.host, 'ENOBUFS')
    socket.post(BYTES, TO)
    await turn()
    expect(logged('error')).toBe(1)
  })
})

describe('the send queue', () => {
  it('takes 256 KiB of bytes, and nothing of what does not fit', async () => {
    const { socket, fake } = await setUp()
    // Whether they wait in Node or for the end of the turn.
    fake.waitingBytes = 262_144 - 1_201
    expect(socket.post(new Uint8Array(1_200), TO)).toBe(true)
    expect(socket.sendQueueBytes).toBe(262_143)
    fake.waitingBytes += 1
    expect(socket.post(new Uint8Array(1), TO)).toBe(false)
    await expect(socket.send(new Uint8Array(1_200), TO)).rejects.toMatchObject({ code: 'DATAGRAM_DROPPED' })
    await turn()
    expect(fake.sent).toHaveLength(1)
    expect(socket.sendErrors).toBe(0)
  })

  it('takes 8,192 datagrams in one turn, refused ones too, and as many in the next', async () => {
    const { socket, fake } = await setUp()
    const fill = (to: Address): number => {
      let taken = 0
      while (taken < 10_000 && socket.post(new Uint8Array(0), to)) taken += 1
      return taken
    }
    expect(fill(TO)).toBe(8_192)
    await turn()
    expect(fill({ host: 'localhost', port: 1 })).toBe(8_192)
    await turn()
    expect(fill(TO)).toBe(8_192)
    await turn()
    expect(fake.sent).toHaveLength(16_384)
  })
})

describe('what is sent in one turn', () => {
  it('leaves together and in order when the turn is over, or when the socket is closed', async () => {
    const { socket, fake } = await setUp()
    const numbers = (): (number | undefined)[] => fake.sent.map(({ bytes }) => bytes[0])
    socket.post(Uint8Array.of(1), TO)
    const sending = socket.send(Uint8Array.of(2), TO)
    socket.post(Uint8Array.of(3), TO)
    expect(numbers()).toEqual([])
    await sending
    expect(numbers()).toEqual([1, 2, 3])
    socket.post(Uint8Array.of(4), TO)
    const closing = socket.close()
    expect(numbers()).toEqual([1, 2, 3, 4])
    await closing
    expect(fake.sent).toHaveLength(4)
  })
})

describe('a burst in one turn', () => {
  it('leaves as far as the machine takes it, however long it is', async () => {
    const { socket, fake } = await setUp()
    for (let number = 0; number < 300; number++) expect(socket.post(new Uint8Array(1_200), TO)).toBe(true)
    await turn()
    expect(fake.sent).toHaveLength(300)
    expect(socket.sendQueueBytes).toBe(0)
  })

  it('leaves whole, also when whoever is told of a failure closes the socket', async () => {
    const fake = new FakeDgram()
    const [send, close] = [fake.send.bind(fake), fake.close.bind(fake)]
    let closed = false
    fake.close = (whenClosed) => {
      closed = true
      return close(whenClosed)
    }
    fake.send = (bytes, port, host, told) => {
      if (closed || host === '10.0.0.9') throw new Error('on purpose')
      send(bytes, port, host, told)
    }
    const { socket } = await setUp({ onSendError: () => void socket.close() }, 'linux', fake)
    socket.post(BYTES, { host: '10.0.0.9', port: 1 })
    socket.post(BYTES, TO)
    await socket.send(BYTES, TO)
    expect(fake.sent).toHaveLength(2)
    expect([closed, socket.post(BYTES, TO)]).toEqual([true, false])
  })
})

describe('what arrives in one turn', () => {
  async function receiving(onDatagram: (number: number | undefined, socket: DatagramSocket) => void) {
    const fake = new FakeDgram()
    const logger = createTestLogger()
    const options = { host: '10.0.0.1', port: 0 }
    const socket = await bindUdp(options, (bytes) => onDatagram(bytes[0], socket), logger, machineOf(fake, 'linux'))
    const arrive = (...numbers: number[]): void => {
      for (const number of numbers) fake.emit('message', Buffer.of(number), { address: TO.host, port: TO.port })
    }
    return { arrive, logger }
  }

  it('is handed over together and in order, also when the handler throws', async () => {
    const taken: (number | undefined)[] = []
    const { arrive, logger } = await receiving((number) => {
      taken.push(number)
      if (number === 2) throw new Error('on purpose')
    })
    arrive(1, 2, 3)
    expect(taken).toEqual([])
    await turn()
    expect(taken).toEqual([1, 2, 3])
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
    arrive(4)
    await turn()
    expect(taken).toEqual([1, 2, 3, 4])
  })

  it('is not handed over any more once the socket is closed, by the handler of the one before too', async () => {
    const taken: (number | undefined)[] = []
    const { arrive } = await receiving((number, socket) => {
      taken.push(number)
      if (number === 2) void socket.close()
    })
    arrive(1, 2, 3)
    await turn()
    expect(taken).toEqual([1, 2])
  })
})

describe('setting up', () => {
  it('asks for less where the system refuses, and tells what it got', async () => {
    const fake = new FakeDgram()
    fake.largestBuffer = 600_000
    expect((await setUp({ receiveBufferBytes: 4_194_304 }, 'darwin', fake)).socket.receiveBufferBytes).toBe(524_288)
    const other = new FakeDgram()
    other.largestBuffer = 600_000
    expect((await setUp({ receiveBufferBytes: 4_194_304 }, 'linux', other)).socket.receiveBufferBytes).toBe(0)
  })

  it('names interfaces as the platform wants them', async () => {
    const multicast = { interfaceAddress: '::%eth0', ttl: 2, loopback: false }
    const { socket, fake } = await setUp({ host: '::', multicast }, 'win32')
    socket.joinGroup('ff12::7063', 'fe80::1')
    socket.leaveGroup('ff12::7063', '::%eth0')
    socket.leaveGroup('ff12::7063', '::%gone')
    expect(fake.calls).toEqual([
      'send buffer 262144',
      'interface ::%7',
      'ttl 2',
      'loopback false',
      'join ff12::7063 ::%7',
      'leave ff12::7063 ::%7',
    ])
  })
})
