/**
 * Whether the compiler takes a mutant. `npm test` checks types before it runs tests, so what the compiler refuses is caught
 * as well; it is only asked about mutants that no test killed, because most of its answers would change nothing.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** Names left unused, code never reached: lint, and no reason to call a program wrong. */
const NOT_ERRORS: ReadonlySet<number> = new Set([6133, 6138, 6192, 6196, 6198, 6199, 6205, 7027, 7028])

export class TypeCheck {
  readonly #root: string
  readonly #files: readonly string[]
  readonly #service: ts.LanguageService
  #changed: { readonly path: string; readonly source: string } | undefined
  #version = 0

  /** @param files from `root`, those that will be asked about */
  constructor(root: string, files: readonly string[]) {
    this.#root = root
    this.#files = files.map((file) => join(root, file))
    const { config } = ts.readConfigFile(join(root, 'tooling/tsconfig/base.json'), ts.sys.readFile)
    const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
    this.#service = ts.createLanguageService({
      getCompilationSettings: () => ({ ...options, noEmit: true }),
      getScriptFileNames: () => [...this.#files],
      getScriptVersion: (path) => (path === this.#changed?.path ? `mutant ${this.#version}` : 'as it stands'),
      getScriptSnapshot: (path) => {
        const source = path === this.#changed?.path ? this.#changed.source : readIfThere(path)
        return source === undefined ? undefined : ts.ScriptSnapshot.fromString(source)
      },
      getCurrentDirectory: () => root,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: ts.sys.fileExists,
      readFile: ts.sys.readFile,
      readDirectory: ts.sys.readDirectory,
      directoryExists: ts.sys.directoryExists,
      getDirectories: ts.sys.getDirectories,
      ...(ts.sys.realpath === undefined ? {} : { realpath: ts.sys.realpath }),
    })
  }

  /**
   * The first error that `file` has with the source `after` and had not `before`: `undefined` also when it was wrong already.
   * That file alone is looked at: what it exports is declared with types (`isolatedDeclarations`), so a change of its inside
   * makes no other file wrong.
   */
  refusal(file: string, before: string, after: string): string | undefined {
    const error = this.#error(join(this.#root, file), after)
    return error === undefined || this.#error(join(this.#root, file), before) !== undefined ? undefined : error
  }

  #error(path: string, source: string): string | undefined {
    this.#changed = { path, source }
    this.#version += 1
    const found = [...this.#service.getSyntacticDiagnostics(path), ...this.#service.getSemanticDiagnostics(path)]
    const first = found.find(({ code, category }) => category === ts.DiagnosticCategory.Error && !NOT_ERRORS.has(code))
    return first === undefined
      ? undefined
      : `TS${first.code}: ${ts.flattenDiagnosticMessageText(first.messageText, ' ')}`
  }
}

function readIfThere(path: string): string | undefined {
  return ts.sys.fileExists(path) ? readFileSync(path, 'utf8') : undefined
}
