/** The daemons of this lab are the built ones, as users run them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { ROOT, tool } from '../steps.js'
import { NetlabError } from './errors.js'

/** Command line of the built daemon. */
export const BUILT_DAEMON: readonly string[] = [process.execPath, join(ROOT, 'apps/daemon/dist/main.js')]

/** A build that is up to date is seen in less; then there is nothing to say. */
const QUIET_MS = 1_000

/** Builds what is stale of the daemon and everything it imports. @throws NetlabError BUILD_FAILED */
export async function buildDaemon(say: (text: string) => void, signal: AbortSignal): Promise<void> {
  const [program = '', ...args] = tool('tsc', '--build', 'apps/daemon')
  const child = spawn(program, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'], signal })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-8_192)
    })
  }
  const notice = setTimeout(() => say('the built daemon is older than its sources; building it …'), QUIET_MS)
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new NetlabError('BUILD_FAILED', `the daemon could not be built:\n${output}`)
  } finally {
    clearTimeout(notice)
  }
}
