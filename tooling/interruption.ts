/** Ctrl-C, or a time limit from outside, must not leave daemons, folders and network namespaces behind. */
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** From now on the first of these signals runs `cleanUp`, which must be bounded, and ends the process; further ones do not cut it. */
export function onInterruption(cleanUp: () => Promise<void>): void {
  let interrupted = false
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (interrupted) return
      interrupted = true
      console.error(`${signal}: cleaning up …`)
      const exit = (): never => process.exit(128 + constants.signals[signal])
      cleanUp().then(exit, (error: unknown) => {
        console.error(error)
        exit()
      })
    })
  }
}
