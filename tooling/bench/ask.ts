/** Questions over a control connection, and answers matched by their ids: how sides of a benchmark tell each other what they count. */
import type { PeerId } from '@pc/identity'
import { type Connector, TransportError } from '@pc/transport'
import type { Value } from '@pc/wire'

const ANSWER = 'bench/answer'
const SMALL = new Uint8Array(100).fill(7)

/** By header: what to say to the body of a question. */
export type Answers = Readonly<Record<string, (body: Value) => Value>>

/** Answers whoever asks. */
export function answerAll(connector: Connector, answers: Answers): void {
  connector.events.on('frame', (control, { header, id, body }) => {
    const answer = answers[header]
    if (answer !== undefined) void control.send(ANSWER, id as number, answer(body))
  })
}

/**
 * Asks as a program does that keeps no connection: the connector is asked for it each time. The function rejects when there is none,
 * or when it ends before the answer.
 */
export function asker(connector: Connector, peer: PeerId): (header: string, body: Value) => Promise<Value> {
  const waiting = new Map<number, { resolve(answer: Value): void; reject(error: Error): void }>()
  connector.events.on('frame', (_control, { header, id, body }) => {
    if (header !== ANSWER) return
    waiting.get(id as number)?.resolve(body)
    waiting.delete(id as number)
  })
  connector.events.on('disconnected', (_control, { code }) => {
    for (const { reject } of waiting.values()) reject(new TransportError('CONNECTION_CLOSED', `no answer: ${code}`))
    waiting.clear()
  })
  return async (header, body) => {
    const control = await connector.control(peer)
    const id = control.nextId()
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      control.send(header, id, body).catch(reject)
    })
  }
}

/** One request after the other, each answered with its own body: ms that each took. */
export async function timeRequests(
  ask: (header: string, body: Value) => Promise<Value>,
  ms: number,
): Promise<number[]> {
  const times: number[] = []
  const started = performance.now()
  for (let at = started; at - started < ms; ) {
    const answer = await ask('bench/ask', SMALL)
    const now = performance.now()
    if (!(answer instanceof Uint8Array) || answer.length !== SMALL.length) throw new Error('not what was asked')
    times.push(now - at)
    at = now
  }
  return times
}
