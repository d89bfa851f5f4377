import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { createTestLogger, VirtualClock } from '@pc/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import type { ListenOptions } from './network-protocol.js'
import { TcpServer } from './tcp-server.js'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function listening(options: ListenOptions = {}) {
  const clock = new VirtualClock()
  const logger = createTestLogger()
  const counters = { refusedByGate: 0, outOfDescriptors: 0 }
  const arrived: Socket[] = []
  const machine = { hasDescriptor: true }
  const server = new TcpServer(
    { host: '127.0.0.1', port: 0 },
    { clock, logger, counters, onConnection: (raw) => arrived.push(raw), hasDescriptor: () => machine.hasDescriptor },
    options,
  )
  await server.start()
  cleanups.push(() => {
    for (const raw of arrived) raw.destroy()
    return server.close()
  })
  return { server, clock, logger, counters, arrived, machine }
}

/** What became of a connection: `refused`, `cut` or `in`. */
async function knock({ server, arrived }: Awaited<ReturnType<typeof listening>>): Promise<string> {
  const before = arrived.length
  const socket = connect(server.address)
  cleanups.push(() => socket.destroy())
  let outcome: string | undefined
  socket.on('error', (error: { code?: string }) => {
    outcome ??= error.code === 'ECONNREFUSED' ? 'refused' : 'cut'
  })
  socket.resume().on('end', () => {
    outcome ??= 'cut'
  })
  while (outcome === undefined && arrived.length === before) await new Promise(setImmediate)
  return outcome ?? 'in'
}

/** Lets a listening socket open: that takes a turn of the loop. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate)
}

describe('a pause for want of descriptors', () => {
  async function paused() {
    const all = await listening()
    all.machine.hasDescriptor = false
    expect(await knock(all)).toBe('cut')
    expect(await knock(all)).toBe('refused')
    expect(all.counters.outOfDescriptors).toBe(1)
    return all
  }

  it('ends by itself, and grows while there are none', async () => {
    const all = await paused()
    await all.clock.advance(100)
    await turns()
    expect(await knock(all)).toBe('cut')
    await all.clock.advance(199)
    await turns()
    expect(await knock(all)).toBe('refused')
    all.machine.hasDescriptor = true
    await all.clock.advance(1)
    await turns()
    expect(await knock(all)).toBe('in')
    expect(all.counters.outOfDescriptors).toBe(2)
    expect(all.logger.messages('warn')).toHaveLength(1)
    expect(all.clock.pending).toBe(0)
  })

  it('ends with a reset', async () => {
    const all = await paused()
    all.machine.hasDescriptor = true
    await all.server.reset()
    expect(all.clock.pending).toBe(0)
    expect(await knock(all)).toBe('in')
  })

  it('leaves no timer when the listener is closed in it', async () => {
    const all = await paused()
    await all.server.close()
    expect(all.clock.pending).toBe(0)
    await expect(all.server.reset()).rejects.toMatchObject({ code: 'SOCKET_CLOSED' })
  })

  it('goes on, as long as somebody else has taken the port', async () => {
    const all = await paused()
    const { address } = all.server
    const other = createServer((socket) => socket.destroy()).listen({ ...address, exclusive: true })
    await once(other, 'listening')
    await all.clock.advance(100)
    await turns()
    expect(all.logger.messages('warn')).toContain('cannot listen again yet')
    await expect(all.server.reset()).rejects.toMatchObject({ code: 'ADDRESS_IN_USE', address })
    await new Promise<void>((resolve) => other.close(() => resolve()))
    all.machine.hasDescriptor = true
    await all.clock.advance(200)
    await turns()
    expect(await knock(all)).toBe('in')
    expect(all.server.address).toEqual(address)
  })
})

it('a gate that throws lets nobody in, and is told about', async () => {
  const all = await listening({
    admit: () => {
      throw new Error('on purpose')
    },
  })
  expect(await knock(all)).toBe('cut')
  expect(all.counters.refusedByGate).toBe(1)
  expect(all.logger.messages('error')).toEqual(['admit threw'])
})

it('asks the gate before it looks for a descriptor', async () => {
  const all = await listening({ admit: () => false })
  all.machine.hasDescriptor = false
  expect(await knock(all)).toBe('cut')
  expect(all.counters).toEqual({ refusedByGate: 1, outOfDescriptors: 0 })
})
