import type { Clock } from '@pc/transport'
import type { Contact } from './contact.js'
import type { Lookup } from './lookup.js'

export interface QueryOptions {
  readonly clock: Clock
  /** Asks one peer, and learns whom it names. A rejection says that it did not answer, or with nothing that can be used. */
  readonly ask: (contact: Contact) => Promise<readonly Contact[]>
  /** After each answer and each failure. */
  readonly onStep?: () => void
  /** Ends the lookup with its reason. What is under way is not waited for. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Drives a lookup: asks whom it says, tells it what came of it, and wakes it in time. Resolves when the lookup is done. Requests under way then end
 * by themselves, and what they bring is still learnt by whoever made `ask`.
 */
export function runLookup(lookup: Lookup, { clock, ask, onStep, signal }: QueryOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: unknown
    let over = false
    const finish = (settle: () => void): void => {
      over = true
      clock.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      settle()
    }
    const onAbort = (): void => finish(() => reject(signal?.reason))
    const settled = (tell: () => void): void => {
      if (over) return
      tell()
      onStep?.()
      advance()
    }
    const start = (contact: Contact): void => {
      ask(contact).then(
        (hints) => settled(() => lookup.answered(contact, hints, clock.now())),
        () => settled(() => lookup.failed(contact, clock.now())),
      )
    }
    const advance = (): void => {
      clock.clearTimeout(timer)
      // Somebody who was told of the last step may have ended it.
      while (!over) {
        const step = lookup.next(clock.now())
        if (step.type === 'ask') {
          start(step.contact)
        } else if (step.type === 'wait') {
          timer = clock.setTimeout(advance, Math.max(0, step.until - clock.now()))
          return
        } else {
          finish(resolve)
        }
      }
    }
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    signal?.addEventListener('abort', onAbort)
    advance()
  })
}
