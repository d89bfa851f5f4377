import { createIdentity } from '@pc/identity'
import { VirtualClock } from '@pc/testkit'
import { expect, test } from 'vitest'
import { Deadline } from './deadline.js'
import { Delivery } from './delivery.js'

const NO = new Error('no')

function delivery() {
  const clock = new VirtualClock()
  const deadline = new Deadline(clock, 100, undefined, () => new Error('late'))
  const settled: Delivery[] = []
  const peer = createIdentity(new Uint8Array(32).fill(1)).id
  const subject = new Delivery({ peer, type: 'text', payload: null, memory: 0, sentAt: 0, deadline }, (one) =>
    settled.push(one),
  )
  return { subject, settled, clock }
}

async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  return await Promise.race([
    promise.then(
      () => 'resolved',
      (error: unknown) => error,
    ),
    new Promise((resolve) => setImmediate(resolve, 'waits')),
  ])
}

test('waits for the connection, then for the receiver', async () => {
  const { subject, settled, clock } = delivery()
  expect(await stateOf(subject.receipt)).toBe('waits')
  subject.issue('m1')
  const { id, acknowledged } = await subject.receipt
  expect([id, await stateOf(acknowledged), settled]).toEqual(['m1', 'waits', []])
  expect(clock.pending).toBe(1)
  subject.acknowledged('m1')
  expect(await stateOf(acknowledged)).toBe('resolved')
  expect(settled).toEqual([subject])
  // Nothing waits for its time any more.
  expect(clock.pending).toBe(0)
})

test('acknowledged before it was issued, it gives the receipt too', async () => {
  const { subject, settled } = delivery()
  subject.acknowledged('m1')
  const { id, acknowledged } = await subject.receipt
  expect([id, await stateOf(acknowledged), settled]).toEqual(['m1', 'resolved', [subject]])
})

test('failing before there is a receipt refuses the receipt', async () => {
  const { subject, settled, clock } = delivery()
  subject.fail(NO)
  expect(await stateOf(subject.receipt)).toBe(NO)
  subject.issue('m1')
  subject.acknowledged('m1')
  expect(await stateOf(subject.receipt)).toBe(NO)
  expect([settled, clock.pending]).toEqual([[subject], 0])
})

test('failing after that refuses the acknowledgement, which nobody has to await', async () => {
  const { subject, settled } = delivery()
  subject.issue('m1')
  subject.fail(NO)
  const { acknowledged } = await subject.receipt
  await new Promise(setImmediate)
  expect(await stateOf(acknowledged)).toBe(NO)
  subject.fail(new Error('again'))
  subject.acknowledged('m1')
  expect([await stateOf(acknowledged), settled]).toEqual([NO, [subject]])
})

test('issued again it keeps its first receipt', async () => {
  const { subject } = delivery()
  subject.issue('m1')
  const { acknowledged } = await subject.receipt
  subject.issue('m2')
  expect((await subject.receipt).id).toBe('m1')
  subject.acknowledged('m2')
  expect(await stateOf(acknowledged)).toBe('resolved')
})
