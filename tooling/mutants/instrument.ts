/**
 * All mutants of the cores at once: the instrumenter writes every change into the source behind a switch, so that one
 * transformed copy serves them all.
 *
 * Off is only what cannot matter or would measure something else: `StringLiteral` (texts for people; a wrong word in a protocol
 * is a wrong type here, because such words are unions), and everything inside the text of an error.
 */
import { type File, Instrumenter } from '@stryker-mutator/instrumenter'
import type { Core } from '../cores.js'
import { changedLines, type Mutant } from './mutant.js'

export const MUTATORS_OFF: readonly string[] = ['StringLiteral']

export const MUTATORS_ON: readonly string[] = [
  'ArithmeticOperator',
  'ArrayDeclaration',
  'ArrowFunction',
  'AssignmentOperator',
  'BlockStatement',
  'BooleanLiteral',
  'ConditionalExpression',
  'EqualityOperator',
  'LogicalOperator',
  'MethodExpression',
  'ObjectLiteral',
  'OptionalChaining',
  'Regex',
  'UnaryOperator',
  'UpdateOperator',
]

export interface Instrumented {
  readonly files: readonly { readonly file: string; readonly content: string }[]
  readonly mutants: readonly Mutant[]
}

/** The same sources give the same mutants in the same order. */
export async function instrument(
  cores: readonly Core[],
  read: (core: Core) => string | Promise<string>,
): Promise<Instrumented> {
  const sources = new Map<string, { core: Core; content: string }>()
  for (const core of cores) sources.set(core.file, { core, content: await read(core) })
  const files = [...sources].map(([name, { content }]): File => ({ name, content, mutate: true }))
  const result = await new Instrumenter(silent).instrument(files, {
    plugins: null,
    excludedMutations: [...MUTATORS_OFF],
    ignorers: [{ shouldIgnore: (path) => (isErrorText(path as SyntaxPath) ? 'text of an error' : undefined) }],
  })
  const mutants = result.mutants
    .filter((mutant) => mutant.status !== 'Ignored')
    .map(({ id, fileName, mutatorName, location, replacement }): Mutant => {
      const source = sources.get(fileName)
      if (source === undefined) throw new Error(`The instrumenter named a file it was not given: ${fileName}`)
      if (!MUTATORS_ON.includes(mutatorName)) {
        throw new Error(`The instrumenter has a mutator that is not on the list: ${mutatorName}. Decide on it.`)
      }
      return {
        id,
        core: source.core.name,
        package: source.core.package,
        file: fileName,
        mutator: mutatorName,
        line: location.start.line + 1,
        ...changedLines(source.content, location, replacement),
      }
    })
  return { files: result.files.map(({ name, content }) => ({ file: name, content })), mutants }
}

/** What is used of Babel's NodePath. */
interface SyntaxPath {
  readonly node: { readonly type: string; readonly callee?: { readonly type: string; readonly name?: string } }
  readonly parent?: SyntaxPath['node']
  readonly listKey?: string
}

/** A template or a sum of texts given to `new SomethingError(…)`. */
function isErrorText({ node, parent, listKey }: SyntaxPath): boolean {
  if (node.type !== 'TemplateLiteral' && node.type !== 'BinaryExpression') return false
  return listKey === 'arguments' && parent?.type === 'NewExpression' && /Error$/.test(parent.callee?.name ?? '')
}

const nothing = (): void => {}
const never = (): boolean => false
const silent = {
  isTraceEnabled: never,
  isDebugEnabled: never,
  isInfoEnabled: never,
  isWarnEnabled: never,
  isErrorEnabled: never,
  isFatalEnabled: never,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  fatal: nothing,
}
