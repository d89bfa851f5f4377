/** Known bugs, each a patch in this folder: a header that says what the bug is and which promise it breaks, then a unified diff. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const FOLDER: string = fileURLToPath(new URL('.', import.meta.url))

export interface Bug {
  /** The name of its patch, without the ending. */
  readonly name: string
  /** What goes wrong, in a sentence. */
  readonly what: string
  /** The promise it breaks. */
  readonly breaks: string
  readonly patchFile: string
  readonly diff: string
  /** Files it changes, from the root of the repository; at least one. */
  readonly files: readonly string[]
}

/** All of them, by name. @throws Error that says which patch has no proper header or no diff */
export function readBugs(folder: string = FOLDER): Bug[] {
  const names = readdirSync(folder).filter((file) => file.endsWith('.patch'))
  return names.sort().map((file) => parseBug(file.slice(0, -'.patch'.length), join(folder, file)))
}

function parseBug(name: string, patchFile: string): Bug {
  const text = readFileSync(patchFile, 'utf8')
  const start = text.search(/^--- a\//m)
  const header = start < 0 ? text : text.slice(0, start)
  const diff = start < 0 ? '' : text.slice(start)
  const files = [...diff.matchAll(/^\+\+\+ b\/(.+)$/gm)].map(([, file]) => file ?? '')
  const what = /^Bug: (.+)$/m.exec(header)?.[1]
  const breaks = /^Breaks: (.+)$/m.exec(header)?.[1]
  if (what === undefined || breaks === undefined || files.length === 0) {
    throw new Error(`${patchFile}: expected the lines "Bug: …" and "Breaks: …", then a unified diff.`)
  }
  return { name, what, breaks, patchFile, diff, files }
}

/** The folder of the package that a file belongs to, such as `packages/wire`; undefined for files outside of packages. */
export function packageOf(file: string): string | undefined {
  return /^(?:packages|apps)\/[^/]+/.exec(file)?.[0]
}
