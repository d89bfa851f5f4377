/** What signals mean to the daemon: the first asks for a polite stop, a second for an abrupt one, a third waits for nothing. */

/**
 * One Ctrl-C can arrive several times: the terminal sends it to every process of the group, and npm and the root commands pass
 * theirs on. Whatever comes this soon is the same press; a person's second one comes later.
 */
const SAME_PRESS_MS = 300

export interface StopSignalsOptions {
  /** Aborted by the first signal, or by others who want an end (the command `down`). */
  readonly stop: AbortController
  /** Aborted by the second. */
  readonly abrupt: AbortController
  /** Called by the third: something hangs. */
  readonly exit: () => void
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** @returns the listener for every signal that means an end */
export function stopSignals({ stop, abrupt, exit, now }: StopSignalsOptions): () => void {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    const same = now() - last < SAME_PRESS_MS
    last = now()
    if (same) return
    if (abrupt.signal.aborted) exit()
    else if (stop.signal.aborted) abrupt.abort()
    else stop.abort()
  }
}
