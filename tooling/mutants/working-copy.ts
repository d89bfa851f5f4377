/**
 * A copy of the workspace in a private temporary folder, in which sources can be changed. The links of the package manager are
 * copied as links: those to other packages are relative and so lead to the copies, those to dependencies lead through the copy's
 * `node_modules`, which is a link to the real one.
 */
import { cp, lstat, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'

/** Made by programs or of no use to a test. */
const LEFT_OUT = new Set(['dist', 'coverage', 'tarballs', '.git', '.turbo', '.vite', '.vite-temp', '.bin'])

export class WorkingCopy implements AsyncDisposable {
  readonly root: string

  private constructor(root: string) {
    this.root = root
  }

  static async of(root: string, sources: readonly { file: string; content: string }[]): Promise<WorkingCopy> {
    const copy = new WorkingCopy(await realpath(await mkdtemp(join(tmpdir(), 'peerconnect-mutants-'))))
    try {
      for (const name of await readdir(root)) {
        if (name !== 'node_modules' && !LEFT_OUT.has(name)) await copyTree(join(root, name), join(copy.root, name))
      }
      await symlink(join(root, 'node_modules'), join(copy.root, 'node_modules'), 'junction')
      for (const { file, content } of sources) await copy.write(file, content)
    } catch (error) {
      await copy.close()
      throw error
    }
    return copy
  }

  /** @param file from the top of the repository */
  async write(file: string, content: string): Promise<void> {
    const path = join(this.root, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, content)
  }

  async close(): Promise<void> {
    await rm(this.root, { recursive: true, force: true, maxRetries: 3 })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

async function copyTree(from: string, to: string): Promise<void> {
  await cp(from, to, {
    recursive: true,
    verbatimSymlinks: true,
    filter: async (path) => {
      if (LEFT_OUT.has(basename(path)) && relative(from, path) !== '') return false
      const stats = await lstat(path)
      return stats.isDirectory() || stats.isFile() || stats.isSymbolicLink()
    },
  })
}
