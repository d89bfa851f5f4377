/**
 * Sender's window and receiver's cursor together, over connections that lose their tail, with refusals, in any
 * interleaving: each message is settled exactly once, none is acknowledged that was not stored, none is stored twice,
 * and what is stored is in the sender's order.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReceiveCursor } from '../src/receive-cursor.js'
import { SendWindow } from '../src/send-window.js'

type Step =
  | { type: 'send'; refused: boolean }
  /** The receiver reads the next frame of a connection, perhaps an old one. */
  | { type: 'receive'; connection: number }
  /** The receiver acknowledges what it has, over the connection it read from last. */
  | { type: 'acknowledge' }
  /** The sender reads the next frame of the current connection. */
  | { type: 'answer' }
  /** The sender gives up one message (deadline). */
  | { type: 'withdraw'; pick: number }
  /** The sender loses its connection; what it sent may still be read by the receiver. */
  | { type: 'lose' }
  /** A sender that keeps an outbox sends again, in order, what is not settled. */
  | { type: 'reconnect-and-resend' }

type Answer = { ack: number } | { refused: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('send' as const), refused: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('receive' as const), connection: fc.nat(2) }) },
  { weight: 3, arbitrary: fc.constant({ type: 'acknowledge' as const }) },
  { weight: 6, arbitrary: fc.constant({ type: 'answer' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('withdraw' as const), pick: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'lose' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'reconnect-and-resend' as const }) },
)

class Model {
  readonly window = new SendWindow(4)
  readonly cursor = new ReceiveCursor()
  /** Frames to the receiver, by connection; the last is the current one. */
  readonly outward: number[][] = [[]]
  readonly inward: Answer[][] = [[]]
  readonly unfit = new Set<number>()
  readonly open = new Set<number>()
  readonly outcome = new Map<number, string>()
  readonly stored: number[] = []
  lastRead = 0
  taken = 0

  get current(): number {
    return this.outward.length - 1
  }

  run(action: Step): void {
    switch (action.type) {
      case 'send':
        this.send(action.refused)
        break
      case 'receive':
        this.receive(Math.max(0, this.current - action.connection))
        break
      case 'acknowledge':
        if (this.cursor.highest('e') > 0) this.inward[this.lastRead]?.push({ ack: this.cursor.highest('e') })
        break
      case 'answer':
        this.answer()
        break
      case 'withdraw': {
        const number = [...this.open][action.pick]
        if (number !== undefined && this.window.settle(number)) this.settle(number, 'withdrawn')
        break
      }
      case 'lose':
        for (const number of this.window.lose()) this.settle(number, 'lost')
        this.connect()
        break
      case 'reconnect-and-resend':
        this.connect()
        this.outward[this.current]?.push(...this.open)
    }
  }

  settle(number: number, how: string): void {
    expect(this.outcome.has(number), `${number} settled twice`).toBe(false)
    this.outcome.set(number, how)
    this.open.delete(number)
  }

  private connect(): void {
    this.outward.push([])
    this.inward.push([])
  }

  private send(refused: boolean): void {
    const number = this.window.take()
    if (number === undefined) return
    expect(number).toBe(++this.taken)
    if (refused) this.unfit.add(number)
    this.open.add(number)
    this.outward[this.current]?.push(number)
  }

  private receive(connection: number): void {
    const number = this.outward[connection]?.shift()
    if (number === undefined) return
    this.lastRead = connection
    const verdict = this.cursor.check('e', number)
    if (verdict === 'unknown') return
    if (verdict === 'repeated') expect(this.stored).toContain(number)
    else if (verdict !== 'new') this.inward[connection]?.push({ refused: number })
    else if (this.unfit.has(number)) {
      this.cursor.refused('e', number, 'DENIED')
      this.inward[connection]?.push({ refused: number })
    } else {
      this.cursor.stored('e', number)
      this.stored.push(number)
    }
  }

  private answer(): void {
    const answer = this.inward[this.current]?.shift()
    if (answer === undefined) return
    if ('refused' in answer) {
      if (this.window.settle(answer.refused)) this.settle(answer.refused, 'refused')
    } else for (const number of this.window.acknowledge(answer.ack)) this.settle(number, 'acknowledged')
  }
}

test('each message is settled once, stored at most once, in order, and acknowledged only if stored', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const model = new Model()
      for (const action of steps) model.run(action)
      expect(model.stored).toEqual([...new Set(model.stored)].sort((a, b) => a - b))
      for (const [number, how] of model.outcome) {
        if (how === 'acknowledged') expect(model.stored).toContain(number)
        if (how === 'refused') expect(model.stored).not.toContain(number)
      }
      // Whatever is still open is settled by the end of the last connection, and by nothing twice.
      for (const number of model.window.lose()) model.settle(number, 'lost')
      expect(model.outcome.size).toBe(model.taken)
    }),
    { numRuns: 3_000 },
  )
})
