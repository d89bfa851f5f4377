import { setTimeout as sleep } from 'node:timers/promises'

/** @throws the signal's reason, at once */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    // node:timers wraps the reason in an error of its own.
    signal.throwIfAborted()
    throw error
  }
}
