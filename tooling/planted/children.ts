/** Processes that must not outlive this one: with a bug planted they may spin, and never see that nobody waits for them any more. */
import type { ChildProcess } from 'node:child_process'

const running = new Set<ChildProcess>()

// Before the copies are removed, as this module is loaded first (copy.ts watches from the first copy on).
process.on('exit', () => {
  for (const child of running) end(child)
})

/** @param child started with `detached`: the head of a process group of its own */
export function endWithUs(child: ChildProcess): void {
  running.add(child)
  child.once('exit', () => running.delete(child))
}

/** Kills it and everything it started. */
export function end(child: ChildProcess): void {
  if (child.pid === undefined) return
  // Windows has no process groups to signal.
  if (process.platform === 'win32') {
    child.kill('SIGKILL')
    return
  }
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    // It has ended, which is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
