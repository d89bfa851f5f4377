/** Questions about all peers at once, and the liveness checks at the end of a run with faults. */
import type { Lab } from './lab.js'
import type { Life } from './life.js'
import type { Machine } from './machine.js'

/**
 * Everybody found everybody again. After a partition an offline peer is asked again after 30 s, 1, 2, 5 min (membership) and announces
 * itself every 30 s while alone (discovery); the longest wait that the storms of the laboratory can have built up.
 */
const ALL_ONLINE_MS = 300_000
/** Connections that lost against another one stay open for a moment, so that nothing on them is lost. */
const ONE_EACH_MS = 30_000
/**
 * A connection that died in the last fault, or whose stream waits for a retransmission, still looks alive: keep-alive finds out within
 * 7.5 s, and a request that began just before has 1 s. Behind that everything is dialled anew. (The slowest of 139 seeds took 5.0 s.)
 */
const FRESH_WITHIN_MS = 10_000
/** A refused request comes back at once. */
const RETRY_MS = 100
/** Longest deadline of a call, and some. */
const SETTLED_MS = 40_000

/** The lives that can be asked. */
export function lives(lab: Lab): Life[] {
  return lab.machines.flatMap(({ ready }) => ready ?? [])
}

/** Ordered pairs of machines. */
export function pairs(lab: Lab): [Machine, Machine][] {
  return lab.machines.flatMap((a) => lab.machines.filter((b) => b !== a).map((b): [Machine, Machine] => [a, b]))
}

/** Pairs in which the first does not see the second as online. */
export function notOnline(lab: Lab): string[] {
  return lab.machines.flatMap((machine) => notOnlineFor(lab, machine))
}

/** Whether everybody sees everybody as online. Asked again and again while that takes long: it stops at the first who does not. */
export function allOnline(lab: Lab): boolean {
  return lab.machines.every((machine) => notOnlineFor(lab, machine).length === 0)
}

function notOnlineFor(lab: Lab, machine: Machine): string[] {
  const states = machine.ready?.states()
  return lab.machines.flatMap((other) => {
    const state = states?.get(other.id.toString())
    return other === machine || state === 'online'
      ? []
      : [`${machine.name} sees ${other.name} ${state ?? 'not at all'}`]
  })
}

/** Pairs with more or less than one stream. */
export function notOneConnection(lab: Lab): string[] {
  return pairs(lab).flatMap(([a, b]) => {
    const count = a.ready?.open.with(b.id.toString()) ?? 0
    return count === 1 ? [] : [`${a.name} has ${count} with ${b.name}`]
  })
}

/**
 * After healing: everybody online, requests from each to each served before long, one connection per pair, no call open, and new
 * calls arrive at once. Returns ms until all were online.
 */
export async function checkLiveness(lab: Lab, allOnlineMs: number = ALL_ONLINE_MS): Promise<number> {
  const some = (all: readonly string[]): string => `${all.length}: ${all.slice(0, 5).join(', ')}`
  const healedAt = lab.now()
  await lab.until(
    'everybody is online for everybody',
    () => allOnline(lab),
    allOnlineMs,
    () => some(notOnline(lab)),
  )
  const tookMs = lab.now() - healedAt
  // Handlers that take their time have done so in the storm.
  for (const life of lives(lab)) life.workMs = 0
  const freshMs = Math.max(...(await Promise.all(pairs(lab).map(([a, b]) => untilServed(lab, a, b)))))
  lab.figure('fresh_s', freshMs / 1_000, { atMost: FRESH_WITHIN_MS / 1_000, combine: 'max' })
  const one = 'there is exactly one control connection per pair'
  await lab.until(
    one,
    () => notOneConnection(lab).length === 0,
    ONE_EACH_MS,
    () => some(notOneConnection(lab)),
  )
  await lab.until(
    'no call is open',
    () => openCalls(lab) === 0,
    SETTLED_MS,
    () => `${openCalls(lab)} are`,
  )
  const fresh = pairs(lab).flatMap(([a, b]) => [
    { what: `message ${a.name} to ${b.name}`, call: a.ready?.send(b) },
    { what: `request ${a.name} to ${b.name}`, call: a.ready?.request(b) },
  ])
  for (const { what, call } of fresh) {
    const outcome = (await call)?.outcome
    lab.check(
      'a new message and request from each to each arrive',
      outcome === 'done',
      `${what}: ${JSON.stringify(outcome)}`,
    )
  }
  return tookMs
}

/** Asks until it is answered, as a patient user does; each request has its 1 s. Returns how long that took, in ms. */
async function untilServed(lab: Lab, a: Machine, b: Machine): Promise<number> {
  const from = lab.now()
  for (;;) {
    const attempt = await a.ready?.request(b)
    if (attempt?.outcome === 'done' || lab.now() - from > FRESH_WITHIN_MS) return lab.now() - from
    await lab.sleep(RETRY_MS)
  }
}

function openCalls(lab: Lab): number {
  return lives(lab).reduce((sum, { key }) => {
    const { messages, requests } = lab.recorder.open(key)
    return sum + messages + requests
  }, 0)
}
