import { VirtualClock } from '@pc/testkit'
import { expect, test } from 'vitest'
import { Deadline, orAborted } from './deadline.js'

const LATE = new Error('time is up')
const GAVE_UP = new Error('gave up')

function deadline(timeoutMs: number, signal?: AbortSignal) {
  const clock = new VirtualClock()
  let asked = 0
  const subject = new Deadline(clock, timeoutMs, signal, () => {
    asked++
    return LATE
  })
  return { clock, subject, asked: () => asked }
}

test('time is up exactly when it is, with the reason made then', async () => {
  const { clock, subject, asked } = deadline(100)
  expect(subject.remainingMs).toBe(100)
  await clock.advance(99)
  expect([subject.signal.aborted, subject.remainingMs, asked()]).toEqual([false, 1, 0])
  await clock.advance(1)
  expect([subject.signal.aborted, subject.signal.reason, subject.remainingMs]).toEqual([true, LATE, 0])
  await clock.advance(1_000)
  expect([subject.remainingMs, asked()]).toEqual([0, 1])
})

test('a deadline of no time is up at once', async () => {
  const { clock, subject } = deadline(0)
  await clock.advance(0)
  expect(subject.signal.reason).toBe(LATE)
})

test.each([-1, Number.NaN, Number.NEGATIVE_INFINITY])('refuses a time of %d', (timeoutMs) => {
  expect(() => deadline(timeoutMs)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
})

test('more than a timer can wait counts as the longest it can', async () => {
  const { clock, subject } = deadline(Number.POSITIVE_INFINITY)
  expect(subject.remainingMs).toBe(2 ** 31 - 1)
  await clock.advance(1_000)
  expect(subject.signal.aborted).toBe(false)
  expect(deadline(2 ** 31).subject.remainingMs).toBe(2 ** 31 - 1)
  expect(deadline(2 ** 31 - 2).subject.remainingMs).toBe(2 ** 31 - 2)
})

test('the caller gives up with its reason, before or after the wait began', () => {
  const controller = new AbortController()
  const { subject } = deadline(100, controller.signal)
  expect(subject.signal.aborted).toBe(false)
  controller.abort(GAVE_UP)
  expect(subject.signal.reason).toBe(GAVE_UP)
  expect(deadline(100, AbortSignal.abort(GAVE_UP)).subject.signal.reason).toBe(GAVE_UP)
})

test('the first reason stays', async () => {
  const { clock, subject } = deadline(100)
  subject.abort(GAVE_UP)
  await clock.advance(100)
  expect(subject.signal.reason).toBe(GAVE_UP)
})

test('once released it holds no timer and hangs on nobody', async () => {
  const controller = new AbortController()
  const { clock, subject } = deadline(100, controller.signal)
  expect(clock.pending).toBe(1)
  subject.release()
  expect(clock.pending).toBe(0)
  controller.abort(GAVE_UP)
  expect(subject.signal.aborted).toBe(false)
})

test('a promise comes through unless the signal is first', async () => {
  const controller = new AbortController()
  const never = new Promise<never>(() => {})
  await expect(orAborted(Promise.resolve(1), controller.signal)).resolves.toBe(1)
  await expect(orAborted(Promise.reject(LATE), controller.signal)).rejects.toBe(LATE)
  const waiting = orAborted(never, controller.signal)
  controller.abort(GAVE_UP)
  await expect(waiting).rejects.toBe(GAVE_UP)
  await expect(orAborted(never, controller.signal)).rejects.toBe(GAVE_UP)
})

test('what has settled no longer listens to the signal', async () => {
  const listeners = new Set<unknown>()
  const signal = {
    aborted: false,
    addEventListener: (_type: string, listener: unknown) => listeners.add(listener),
    removeEventListener: (_type: string, listener: unknown) => listeners.delete(listener),
  } as unknown as AbortSignal
  await orAborted(Promise.resolve(), signal)
  await expect(orAborted(Promise.reject(LATE), signal)).rejects.toBe(LATE)
  expect(listeners.size).toBe(0)
})
