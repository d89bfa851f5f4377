/** Whether a process may open as many files as a benchmark holds connections, said before the first is opened. */

/** Beside the connections: what Node, the module loader, a listener and the channel to the harness have open. */
const OTHERS = 100

/** @throws Error when the limit of open files leaves no room for so many connections */
export function requireOpenFiles(connections: number): void {
  const fault = openFilesFault(connections, openFilesLimit())
  if (fault !== undefined) throw new Error(fault)
}

/** Pure. @param limit undefined: there is none, or it is not known */
export function openFilesFault(connections: number, limit: number | undefined): string | undefined {
  const wanted = connections + OTHERS
  if (limit === undefined || limit >= wanted) return undefined
  const atMost = limit > OTHERS ? `, or hold at most ${limit - OTHERS} (--connections)` : ''
  return (
    `expected room for ${wanted} open files per process (${connections} connections and ${OTHERS} others), got a limit of ` +
    `${limit}; raise it in the shell that starts this (ulimit -n ${wanted})${atMost}`
  )
}

/** Node has raised its soft limit to the hard one by now, where it may. */
function openFilesLimit(): number | undefined {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : undefined
}
