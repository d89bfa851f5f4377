/** What every contestant of `bench connect` and `bench parked` does with connections, so that all do the same. */

/** Connections made, or ended, at the same time. */
export const PARALLEL = 32
/** Made in one measurement: each leaves a port behind that stays taken for a minute. */
const MOST_MADE = 4_000
/** Made and ended before memory is looked at for the first time: code is compiled then, and what is kept for later is there. */
const WARM_UP = 256
/** Connections from one word of progress to the next. */
const STEP = 128

export interface Connections<T> {
  /** Resolves when it is proved and something has gone both ways. */
  open(): Promise<T>
  /** Polite: resolves when it is gone at this end, the other having agreed. */
  end(connection: T): Promise<void>
}

export interface HeldConnections<T> extends Connections<T> {
  /** Of the process at the far end: bytes, garbage collected before. */
  resident(): Promise<number>
}

/** Opens and ends, some at a time, until the time is up. */
export async function makeConnections<T>(
  connections: Connections<T>,
  ms: number,
): Promise<{ made: number; perSecond: number }> {
  let made = 0
  const started = performance.now()
  const goOn = (): boolean => made < MOST_MADE && performance.now() - started < ms
  await inParallel(goOn, async () => {
    const connection = await connections.open()
    made += 1
    await connections.end(connection)
  })
  return { made, perSecond: (made * 1_000) / (performance.now() - started) }
}

/** Opens so many and keeps them; each one's part of what the far end's memory grew by. */
export async function holdConnections<T>(
  connections: HeldConnections<T>,
  count: number,
  progress: (text: string) => void,
): Promise<{ held: T[]; kibEach: number }> {
  await endConnections(connections, await openConnections(connections, Math.min(WARM_UP, count), () => {}), () => {})
  const before = await connections.resident()
  const held = await openConnections(connections, count, progress)
  return { held, kibEach: ((await connections.resident()) - before) / 1_024 / count }
}

/** Ends them all; `held` is empty then. */
export async function endConnections<T>(
  { end }: Connections<T>,
  held: T[],
  progress: (text: string) => void,
): Promise<void> {
  await inParallel(
    () => held.length > 0,
    async () => {
      const connection = held.pop() as T
      if (held.length % STEP === 0) progress(`${held.length} left to end`)
      await end(connection)
    },
  )
}

async function openConnections<T>(
  { open }: Connections<T>,
  count: number,
  progress: (text: string) => void,
): Promise<T[]> {
  const opened: T[] = []
  let begun = 0
  await inParallel(
    () => begun < count,
    async () => {
      begun += 1
      opened.push(await open())
      if (opened.length % STEP === 0) progress(`${opened.length} of ${count} connections`)
    },
  )
  return opened
}

/** So many callers, each of which begins again when it is done, while there is reason to. Rejects with the first that fails. */
async function inParallel(goOn: () => boolean, call: () => Promise<void>): Promise<void> {
  const caller = async (): Promise<void> => {
    while (goOn()) await call()
  }
  await Promise.all(Array.from({ length: PARALLEL }, caller))
}
