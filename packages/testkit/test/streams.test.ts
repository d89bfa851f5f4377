import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeededRandom, SimulatedNetwork, type SimulatedStream, VirtualClock } from '../src/index.js'
import { collect, connectedPair, office, outcome } from './_util/office.js'

describe('streams', () => {
  it('proves the ids to both ends, after two round trips', async () => {
    const { clock, anna, ben, accepted } = await office({ jitterMs: 0, delayMs: 2 })
    const stream = await outcome(clock, anna.connect({ host: ben.address, port: 3485 }, { expect: 'ben' }))
    expect(clock.now()).toBe(8)
    expect(stream).toMatchObject({ remoteId: 'ben', dialled: true, remoteAddress: { host: ben.address, port: 3485 } })
    await clock.advance(2)
    expect(accepted).toHaveLength(1)
    expect(accepted[0]).toMatchObject({ remoteId: 'anna', dialled: false, remoteAddress: stream.localAddress })
  })

  it('carries bytes in order whatever the delays, both ways, then the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), { maxLength: 20 }),
        async (seed, chunks) => {
          const { clock, here, there } = await connectedPair({ seed, jitterMs: 20, loss: 0.1 })
          const [atBen, atAnna] = [collect(there.duplex), collect(here.duplex)]
          for (const chunk of chunks) {
            here.duplex.write(chunk)
            there.duplex.write(chunk)
          }
          there.duplex.on('end', () => there.duplex.end())
          here.duplex.end()
          await clock.runUntil(() => here.duplex.closed && there.duplex.closed, { limitMs: 600_000 })
          const sent = Buffer.concat(chunks)
          expect(Buffer.concat(atBen).equals(sent)).toBe(true)
          // Ben writes before he reads Anna's end, so nothing of his is cut off either.
          expect(Buffer.concat(atAnna).equals(sent)).toBe(true)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('makes a writer wait while nobody reads at the other end, within bounds', async () => {
    const { clock, here, there } = await connectedPair()
    let accepted = 0
    const chunk = Buffer.alloc(16_384)
    while (here.duplex.write(chunk, () => accepted++)) await clock.advance(5)
    await clock.advance(1_000)
    expect(here.duplex.writableNeedDrain).toBe(true)
    expect(accepted * chunk.length).toBeLessThan(4 * 65_536)
    let drained = false
    here.duplex.once('drain', () => (drained = true))
    const received = collect(there.duplex)
    await clock.runUntil(() => drained)
    await clock.advance(100)
    expect(Buffer.concat(received).length % chunk.length).toBe(0)
    expect(here.duplex.writableLength).toBe(0)
  })

  it('does not let a written buffer change on the way', async () => {
    const { clock, here, there } = await connectedPair()
    const received = collect(there.duplex)
    const bytes = Buffer.from('before')
    here.duplex.write(bytes)
    bytes.fill('x')
    await clock.advance(100)
    expect(Buffer.concat(received).toString()).toBe('before')
  })

  it('ends the other side when one is destroyed, and answers later data with a reset', async () => {
    const { clock, here, there } = await connectedPair()
    const errors: unknown[] = []
    here.duplex.on('error', (error) => errors.push(error))
    there.duplex.destroy()
    here.duplex.write('too late')
    await clock.advance(100)
    expect(here.duplex.destroyed).toBe(true)
    expect(errors).toMatchObject([{ code: 'ECONNRESET' }])
  })

  it('fails a write that waits when its stream is destroyed', async () => {
    const { here } = await connectedPair()
    const write = new Promise((resolve) => here.duplex.write(Buffer.alloc(100_000), resolve))
    here.duplex.destroy()
    expect(await write).toBeInstanceOf(Error)
  })
})

describe('connecting', () => {
  it('reports who is not there, each with its own code', async () => {
    const { clock, network, anna, ben } = await office()
    const at = (host: string, port = 3485) =>
      outcome(
        clock,
        anna.connect({ host, port }).catch((error: unknown) => error),
      )
    expect(await at(ben.address, 9)).toMatchObject({ code: 'CONNECTION_REFUSED', retryable: true })
    expect(await at('10.0.0.99')).toMatchObject({ code: 'UNREACHABLE' })
    expect(await at('ben.example')).toMatchObject({ code: 'ADDRESS_INVALID' })
    const wrong = anna.connect({ host: ben.address, port: 3485 }, { expect: 'carla' }).catch((error: unknown) => error)
    expect(await outcome(clock, wrong)).toMatchObject({ code: 'WRONG_PEER', retryable: false })
    network.powerOff(ben)
    const before = clock.now()
    expect(await at(ben.address)).toMatchObject({ code: 'CONNECT_TIMEOUT' })
    expect(clock.now() - before).toBe(5_000)
  })

  it('shows a wrong dialler nothing at the accepting end', async () => {
    const { clock, anna, ben, accepted } = await office()
    await outcome(
      clock,
      anna.connect({ host: ben.address, port: 3485 }, { expect: 'carla' }).catch(() => {}),
    )
    await clock.advance(1_000)
    expect(accepted).toEqual([])
  })

  it('compares ids by their equals method', async () => {
    class Id {
      readonly name: string
      constructor(name: string) {
        this.name = name
      }
      equals(other: Id): boolean {
        return other.name === this.name
      }
    }
    const clock = new VirtualClock()
    const network = new SimulatedNetwork<Id>({ clock, random: new SeededRandom(1) })
    const anna = network.host({ id: new Id('anna'), address: '10.0.0.1' })
    await anna.listen({ host: '0.0.0.0', port: 3485 }, () => {})
    const ben = network.host({ id: new Id('ben'), address: '10.0.0.2' })
    const address = { host: '10.0.0.1', port: 3485 }
    await expect(outcome(clock, ben.connect(address, { expect: new Id('anna') }))).resolves.toBeDefined()
    await expect(outcome(clock, anna.connect(address))).rejects.toMatchObject({ code: 'SELF_DIALLED' })
  })

  it('gives up when its signal aborts, and leaves no timer behind', async () => {
    const { clock, anna, ben } = await office()
    const stop = new AbortController()
    const dial = anna.connect({ host: ben.address, port: 3485 }, { signal: stop.signal })
    await clock.advance(1)
    stop.abort(new Error('not needed any more'))
    await expect(dial).rejects.toThrow('not needed any more')
    expect(clock.pending).toBe(0)
    await expect(anna.connect({ host: ben.address, port: 3485 }, { signal: stop.signal })).rejects.toThrow('not needed')
  })

  it('gets through when a partition heals in time', async () => {
    const { clock, network, anna, ben } = await office()
    network.partition(anna, ben)
    const dial = anna.connect({ host: ben.address, port: 3485 })
    await clock.advance(2_000)
    network.heal()
    await expect(outcome(clock, dial)).resolves.toMatchObject({ remoteId: 'ben' })
  })

  it('refuses a second listener on a port until the first is closed', async () => {
    const { ben } = await office()
    const listen = () => ben.listen({ host: ben.address, port: 4_000 }, () => {})
    const first = await listen()
    await expect(listen()).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    await first.close()
    await first.close()
    await (await listen()).close()
    const free = await ben.listen({ host: ben.address, port: 0 }, () => {})
    expect(free.address.port).toBeGreaterThan(49_151)
    await expect(ben.listen({ host: '10.9.9.9', port: 1 }, () => {})).rejects.toMatchObject({
      code: 'ADDRESS_NOT_AVAILABLE',
    })
  })

  it('resets a stream whose listener closed while the handshake was on its way', async () => {
    const { clock, anna, ben, accepted, listener } = await office()
    const stream = await outcome(clock, anna.connect({ host: ben.address, port: 3485 }))
    await listener.close()
    await clock.advance(100)
    expect(accepted).toEqual([])
    expect(stream.duplex.errored).toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('hosts that go down', () => {
  it('crash: the other ends are reset, and nobody listens any more', async () => {
    const { clock, network, anna, ben, here } = await connectedPair()
    network.crash(ben)
    expect(ben.running).toBe(false)
    await clock.advance(10)
    expect(here.duplex.errored).toMatchObject({ code: 'ECONNRESET' })
    const again = anna.connect({ host: ben.address, port: 3485 })
    await expect(outcome(clock, again)).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' })
  })

  it('power-off: the other end hears nothing, until the machine is back and resets what is sent again', async () => {
    const { clock, network, ben, here, there } = await connectedPair()
    let told = 0
    for (const event of ['end', 'close', 'error', 'data']) there.duplex.on(event, () => told++)
    network.powerOff(ben)
    here.duplex.write('anybody there?')
    await clock.advance(600_000)
    expect(here.duplex.destroyed).toBe(false)
    const again = network.restart(ben)
    expect([ben.running, again.running]).toEqual([false, true])
    await clock.advance(120_100)
    expect(here.duplex.errored).toMatchObject({ code: 'ECONNRESET' })
    await again.listen({ host: again.address, port: 3485 }, () => {})
    expect(told).toBe(0)
  })

  it('power-off: a sender gives up after 15 retransmissions, some 15 minutes later', async () => {
    const { clock, network, ben, here } = await connectedPair()
    network.powerOff(ben)
    const from = clock.now()
    here.duplex.write('anybody there?')
    await clock.runUntil(() => here.duplex.destroyed, { limitMs: 2_000_000 })
    expect(here.duplex.errored).toMatchObject({ code: 'ETIMEDOUT' })
    expect((clock.now() - from) / 1_000).toBeGreaterThan(800)
    expect((clock.now() - from) / 1_000).toBeLessThan(930)
    expect(clock.pending).toBe(0)
  })

  it('a life that ended is never called back: no promise, timer, event or write of it', async () => {
    const { clock, network, anna, ben, here, there } = await connectedPair()
    const calls: string[] = []
    const note = (text: string) => (): void => void calls.push(text)
    const stop = new AbortController()
    const dial = anna.connect({ host: ben.address, port: 3485 }, { signal: stop.signal })
    dial.then(note('connected'), note('not connected'))
    anna.clock.setTimeout(note('timer'), 0)
    const socket = await anna.bind({ host: '0.0.0.0', port: 7 }, note('datagram'))
    const listener = await anna.listen({ host: '0.0.0.0', port: 8 }, note('stream'))
    for (const event of ['data', 'end', 'close', 'error', 'drain', 'finish']) here.duplex.on(event, note(event))
    here.duplex.write(Buffer.alloc(200_000), note('written'))
    there.duplex.write('to anna')
    network.crash(anna)
    stop.abort()
    here.duplex.destroy()
    for (const late of [
      anna.connect({ host: ben.address, port: 3485 }),
      anna.listen({ host: '0.0.0.0', port: 9 }, note('stream')),
      anna.bind({ host: '0.0.0.0', port: 9 }, note('datagram')),
      socket.send(Uint8Array.of(1), { host: ben.address, port: 7 }),
      socket.close(),
      listener.close(),
    ]) {
      late.then(note('settled'), note('rejected'))
    }
    expect(anna.clock.setTimeout(note('late timer'), 0)).toBeUndefined()
    await clock.advance(100_000)
    expect(calls).toEqual([])
    expect(there.duplex.errored).toMatchObject({ code: 'ECONNRESET' })
    expect(clock.pending).toBe(0)
    const again = network.restart(anna)
    await again.bind({ host: '0.0.0.0', port: 7 }, note('new'))
    const atBen = await ben.bind({ host: '0.0.0.0', port: 7 }, () => {})
    await atBen.send(Uint8Array.of(1), { host: anna.address, port: 7 })
    await clock.advance(10)
    expect(calls).toEqual(['new'])
  })

  it('partition: a stream waits, and loses nothing when it heals; one way is enough to hold one direction', async () => {
    const { clock, network, anna, ben, here, there } = await connectedPair()
    const [atBen, atAnna] = [collect(there.duplex), collect(here.duplex)]
    network.partition(anna, ben, { oneWay: true })
    here.duplex.write('to ben')
    there.duplex.write('to anna')
    await clock.advance(60_000)
    expect(Buffer.concat(atAnna).toString()).toBe('to anna')
    expect(atBen).toEqual([])
    network.heal()
    here.duplex.write(', later')
    // As on any network it is not the healing that brings it, but the next retransmission: after 60 s that is at 102.2 s.
    await clock.advance(40_000)
    expect(atBen).toEqual([])
    await clock.advance(3_000)
    expect(Buffer.concat(atBen).toString()).toBe('to ben, later')
  })
})

it('leaves nothing behind when streams are closed', async () => {
  const { clock, here, there } = await connectedPair()
  here.duplex.write('a last word')
  here.duplex.destroy()
  there.duplex.destroy()
  await clock.advance(100)
  expect(clock.pending).toBe(0)
})

it('hands over a stream that an acceptor may refuse at once', async () => {
  const { clock, anna, ben } = await office()
  const refusing = await ben.listen({ host: ben.address, port: 5_000 }, (stream: SimulatedStream<string>) => {
    stream.duplex.destroy()
  })
  const stream = await outcome(clock, anna.connect(refusing.address))
  stream.duplex.resume()
  await clock.advance(100)
  expect(stream.duplex.destroyed).toBe(true)
})
