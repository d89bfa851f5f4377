/**
 * Whose something is, written into its name, so that what a killed run has left behind can be found and removed, and what belongs
 * to a run that goes on is never touched: process id and start time, for ids come again.
 */
import { readFileSync } from 'node:fs'

const OWNED = /^pcnl-(\d+)-(\d+)-/

/** Put before every name of this run. */
export const OWN: string = `pcnl-${process.pid}-${startTimeOf(process.pid) ?? 0}`

/** Whether the name is of a run whose process is gone. */
export function isAbandoned(name: string, startTime: typeof startTimeOf = startTimeOf): boolean {
  const match = OWNED.exec(name)
  return match !== null && startTime(Number(match[1])) !== Number(match[2])
}

/** In clock ticks since boot: proc_pid_stat(5), field 22. Undefined: there is no such process. */
function startTimeOf(pid: number): number | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    // It has ended; there is nothing else to read it from.
    return undefined
  }
  // The second field is the program's name in brackets, which may hold blanks and brackets itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[19])
}
