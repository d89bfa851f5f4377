import { Writable } from 'node:stream'
import { VirtualClock } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { Outbox } from './outbox.js'

/** A socket whose other side takes one write at a time, when told. */
class Reader extends Writable {
  readonly taken: number[] = []
  #take: (() => void) | undefined

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.#take = () => {
      this.taken.push(chunk.length)
      this.#take = undefined
      done()
    }
  }

  async take(): Promise<void> {
    this.#take?.()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

function outboxOver(limit: number) {
  const reader = new Reader()
  const clock = new VirtualClock()
  let slow = 0
  const outbox = new Outbox({
    socket: reader,
    clock,
    limit,
    slowMs: 1_000,
    onSlow: () => {
      slow++
    },
  })
  return { reader, clock, outbox, slow: () => slow }
}

describe('Outbox', () => {
  it('writes at once while there is room, and in order when there was none', async () => {
    const { reader, outbox } = outboxOver(100)
    const sent: number[] = []
    const send = (length: number) => outbox.send(new Uint8Array(length)).then(() => sent.push(length))
    const all = [send(60), send(40), send(50), send(1)]
    await reader.take()
    expect(sent).toEqual([60, 40, 50, 1])
    expect(outbox.unsent).toBe(91)
    await reader.take()
    await reader.take()
    await reader.take()
    await Promise.all(all)
    expect(reader.taken).toEqual([60, 40, 50, 1])
    expect(outbox.unsent).toBe(0)
  })

  it('never holds more than the limit, except one larger frame alone', async () => {
    const { reader, outbox } = outboxOver(100)
    const large = outbox.send(new Uint8Array(1_000))
    const next = outbox.send(new Uint8Array(1))
    expect(outbox.unsent).toBe(1_000)
    expect(outbox.full).toBe(true)
    await reader.take()
    expect(await Promise.all([large, next])).toEqual([true, true])
    expect(outbox.unsent).toBe(1)
  })

  it('calls the client slow when it is full and nothing leaves for the time allowed', async () => {
    const { reader, clock, outbox, slow } = outboxOver(10)
    void outbox.send(new Uint8Array(6))
    void outbox.send(new Uint8Array(4))
    await clock.advance(5_000)
    expect(slow()).toBe(0) // full, but nobody waits
    void outbox.send(new Uint8Array(10))
    await clock.advance(900)
    await reader.take() // some progress, still no room
    await clock.advance(900)
    expect(slow()).toBe(0)
    await clock.advance(100)
    expect(slow()).toBe(1)
  })

  it('forgets the time once everybody got room', async () => {
    const { reader, clock, outbox, slow } = outboxOver(10)
    void outbox.send(new Uint8Array(10))
    const waiting = outbox.room()
    await reader.take()
    expect(await waiting).toBe(true)
    expect(clock.pending).toBe(0)
    await clock.advance(5_000)
    expect(slow()).toBe(0)
  })

  it('tells everybody who waits that it closed, and writes nothing any more', async () => {
    const { reader, clock, outbox } = outboxOver(10)
    void outbox.send(new Uint8Array(10))
    const waiting = [outbox.send(new Uint8Array(10)), outbox.room()]
    outbox.close()
    expect(await Promise.all(waiting)).toEqual([false, false])
    expect(await outbox.send(new Uint8Array(1))).toBe(false)
    outbox.write(new Uint8Array(1))
    await reader.take()
    await reader.take()
    expect(reader.taken).toEqual([10])
    expect(clock.pending).toBe(0)
  })
})
