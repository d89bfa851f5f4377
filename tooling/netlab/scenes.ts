/** Scenes that several scenarios share; those they share with the demo are in ../scenes.ts. */
import { type DaemonProcess, delay } from '../daemon-process.js'
import type { Ledger } from '../ledger.js'
import type { Netlab } from './netlab.js'

/** A connection dies 7.5 s after the last byte, the check behind it takes 2 s, and the promise is a verdict within 10 s. */
export const OFFLINE_LIMIT_MS = 10_000
/** An offline peer is looked for again after 30 s, ± 20 %, and the check may take 2 s. */
export const RECHECK_LIMIT_MS = 38_000

/** Two daemons find each other within a second; several that start at once on a busy machine may need one more announcement. */
export const CROWD_DISCOVERY_LIMIT_MS = 3_000

/** Waits until everybody of `one` sees everybody of `other` in that state, and returns the latest `since` (Unix ms). */
export async function allSee(
  one: readonly DaemonProcess[],
  other: readonly DaemonProcess[],
  state: 'online' | 'offline',
  limitMs: number,
): Promise<number> {
  const pairs = one.flatMap((observer) => other.filter((seen) => seen !== observer).map((seen) => ({ observer, seen })))
  return Math.max(...(await Promise.all(pairs.map(({ observer, seen }) => observer.sees(seen, state, limitMs)))))
}

/** Texts under way from one to another at once: a daemon refuses a client that has too many commands running. */
const WIDTH = 16

/** Each sends that many texts to each. */
export async function everybodyTalks(ledger: Ledger, daemons: readonly DaemonProcess[], count: number): Promise<void> {
  const pairs = daemons.flatMap((from) => daemons.filter((to) => to !== from).map((to) => [from, to] as const))
  await Promise.all(pairs.map(([from, to]) => ledger.sendMany(from, to, count, WIDTH)))
}

/** The books of the whole run: nothing is lost, and nothing is stored twice. */
export function settle(lab: Netlab, ledger: Ledger): void {
  const { sent, acknowledged, refused, lost, twice } = ledger.balance()
  lab.figure('messages_sent', sent)
  lab.figure('messages_refused', refused)
  lab.figure('messages_lost', lost, { atMost: 0 })
  lab.figure('messages_twice', twice, { atMost: 0 })
  const refusals = refused === 0 ? 'none refused' : `${refused} refused and said so (${ledger.refusals()})`
  lab.step(`the books agree: ${sent} texts sent, ${acknowledged} acknowledged, ${refusals}, ${lost} lost`)
}

/** Asks until an answer comes that was asked for after the call. */
export async function answered(from: DaemonProcess, to: string): Promise<void> {
  const deadline = performance.now() + 3 * OFFLINE_LIMIT_MS
  for (;;) {
    try {
      await from.call('request', { peer: to, name: 'echo', payload: 1, timeoutMs: 1_000 })
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await delay(50)
    }
  }
}

/** Says every few seconds that it is still waiting, and for what. */
export async function waitSaying(lab: Netlab, ms: number, text: string): Promise<void> {
  const until = performance.now() + ms
  for (let left = ms; left > 0; left = until - performance.now()) {
    lab.say(`  ${text}: ${Math.ceil(left / 1_000)} s to go`)
    await delay(Math.min(left, 5_000))
  }
}
