/** Quick gate: every planted bug has its header and still applies to the code as it is. Plays nothing. */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from '../steps.js'
import { readBugs } from './bug.js'
import { applyPatch } from './copy.js'

/** The suite must catch all of them but one; with few of them that would say little. */
const LEAST = 16

const bugs = readBugs()
const faults = bugs.length < LEAST ? [`Expected at least ${LEAST} planted bugs, found ${bugs.length}.`] : []
const folder = mkdtempSync(join(tmpdir(), 'pc-planted-'))
try {
  for (const file of new Set(bugs.flatMap(({ files }) => files))) {
    // A file that is gone is told of below, by the patches that need it.
    if (existsSync(join(ROOT, file))) cpSync(join(ROOT, file), join(folder, file))
  }
  for (const bug of bugs) {
    try {
      applyPatch(bug, folder, { check: true })
    } catch (error) {
      faults.push((error as Error).message)
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
for (const fault of faults) console.error(`✗ ${fault}`)
if (faults.length > 0) process.exit(1)
console.log(`${bugs.length} planted bugs apply`)
