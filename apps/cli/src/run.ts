import { CommanderError } from 'commander'
import { ExitCode } from './exit-codes.js'
import { type Failure, failureOf } from './failure.js'
import { Fields } from './fields.js'
import type { Io } from './io.js'
import { createProgram } from './program.js'
import { renderTable } from './table.js'
import { safeJson, safeText } from './text.js'

/** The whole of `pc`: reads `argv` (without node and script), does it, resolves with the exit code. Never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  const program = createProgram(io, { quiet: wantsJson(argv) })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return ExitCode.OK
  } catch (error) {
    // Commander has already written the help, the version, or (for people) what is wrong with the command line.
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return ExitCode.OK
      if (wantsJson(argv)) report(usageFailure(error), io, true)
      return ExitCode.USAGE
    }
    const failure = failureOf(error)
    if (failure === undefined) return ExitCode.OK
    report(failure, io, program.opts<{ json?: boolean }>().json === true)
    return failure.exitCode
  }
}

/** Before the command line is understood, and also when it cannot be. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json')
}

function usageFailure(error: CommanderError): Failure {
  const message = error.code === 'commander.help' ? 'no command was given' : error.message.replace(/^error: /, '')
  return { exitCode: ExitCode.USAGE, code: 'USAGE', message, hint: 'pc help shows how it is used' }
}

/** To stderr: stdout carries data only. */
function report(failure: Failure, io: Io, json: boolean): void {
  const { code, exitCode, message, hint, details } = failure
  if (json) {
    io.stderr.write(`${safeJson({ schema: 'pc.error/1', code, exitCode, message, hint, details })}\n`)
    return
  }
  // Whoever pressed Ctrl-C knows.
  if (code === 'INTERRUPTED') return
  io.stderr.write(`pc: ${safeText(message, '    ')}\n`)
  const candidates = new Fields(details).list('candidates')
  if (candidates.length > 0) {
    const rows = candidates.map((peer) => [peer.text('label'), peer.text('shortId'), peer.text('state')])
    io.stderr.write(renderTable(['NAME', 'ID', 'STATE'], rows))
  }
  if (hint !== undefined) io.stderr.write(`    ${hint}\n`)
}
