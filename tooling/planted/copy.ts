/** Temporary copies of the repository: shipped code has no switches for bugs, so each bug gets a repository of its own. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { ROOT } from '../steps.js'
import type { Bug } from './bug.js'

/** What programs and tests need. Links stay links: `@pc/wire` inside the copy is the wire of the copy. */
const COPIED = ['packages', 'apps', 'tooling', 'package.json', 'pnpm-lock.yaml', 'vitest.config.ts']
/** Built or left over; nothing runs from it. */
const LEFT_OUT = new Set(['dist', 'coverage', '.turbo', '.vite', '.vite-temp'])

const PREFIX = join(tmpdir(), 'pc-planted-')

export class Copy implements Disposable {
  /** The root of the copied repository. */
  readonly root: string
  #kept = false

  private constructor(root: string) {
    this.root = root
    if (copies.size === 0) removeAtExit()
    copies.add(this)
  }

  /** As the repository is now. @throws Error when that cannot be copied */
  static clean(): Copy {
    return Copy.#make(ROOT, mkdtempSync(PREFIX), undefined)
  }

  /**
   * A copy of this copy with a bug in it: whatever is edited in the repository meanwhile, both differ in the bug alone.
   * `folder`: where to make it, which must not exist.
   * @throws Error when the patch does not apply, or the folder exists
   */
  plant(bug: Bug, folder?: string): Copy {
    if (folder !== undefined) mkdirSync(folder)
    return Copy.#make(this.root, folder === undefined ? mkdtempSync(PREFIX) : resolve(folder), bug)
  }

  static #make(from: string, to: string, bug: Bug | undefined): Copy {
    const copy = new Copy(to)
    try {
      for (const name of COPIED) {
        cpSync(join(from, name), join(to, name), {
          recursive: true,
          verbatimSymlinks: true,
          filter: (path) => !LEFT_OUT.has(basename(path)),
        })
      }
      // Third-party packages are linked relative to this folder; they resolve to the real ones.
      symlinkSync(join(ROOT, 'node_modules'), join(to, 'node_modules'), 'junction')
      if (bug !== undefined) applyPatch(bug, to)
      return copy
    } catch (error) {
      copy[Symbol.dispose]()
      throw error
    }
  }

  /** Leaves it on the disk. */
  keep(): void {
    this.#kept = true
  }

  [Symbol.dispose](): void {
    copies.delete(this)
    if (!this.#kept) rmSync(this.root, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Those that are not disposed of. */
const copies = new Set<Copy>()
let watching = false

/** Whoever ends a run with Ctrl-C does not want to sweep up behind it. */
function removeAtExit(): void {
  if (watching) return
  watching = true
  process.on('exit', () => {
    for (const copy of [...copies]) copy[Symbol.dispose]()
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
  }
}

/** Applies the patch to the files below `root`, or only looks whether it would. @throws Error with what git says */
export function applyPatch(bug: Bug, root: string, options: { check?: boolean } = {}): void {
  const args = ['apply', ...(options.check === true ? ['--check'] : []), bug.patchFile]
  // The ceiling: should the temporary folder lie inside some repository, its root must not be taken for ours.
  const env = { ...process.env, GIT_CEILING_DIRECTORIES: dirname(root) }
  const { status, stderr, error } = spawnSync('git', args, { cwd: root, env, encoding: 'utf8' })
  if (error !== undefined) throw new Error(`Could not run git: ${error.message}. It is needed to apply patches.`)
  if (status === 0) return
  const why = stderr.trim().replaceAll('\n', '; ')
  throw new Error(
    `The patch ${bug.name} does not apply any more (${why}): plant the bug anew in the code as it is now, or remove the patch.`,
  )
}
