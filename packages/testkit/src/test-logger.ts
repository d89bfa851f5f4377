export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

export interface LogLine {
  readonly level: LogLevel
  readonly message: string | undefined
  /** The bindings of the logger and its parents, overlaid with the fields of the call. */
  readonly fields: Readonly<Record<string, unknown>>
}

export interface TestLoggerOptions {
  /** Lines kept; beyond it the oldest is dropped. @default 10000 */
  limit?: number
}

/** A pino-shaped logger that keeps its lines for assertions. Children write to the same list. */
export interface TestLogger {
  trace(fields: object, message?: string): void
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  child(bindings: object): TestLogger
  /** Everything logged so far, oldest first; live. */
  readonly lines: readonly LogLine[]
  /** The messages of one level, oldest first. */
  messages(level: LogLevel): string[]
}

export function createTestLogger(options: TestLoggerOptions = {}): TestLogger {
  return loggerOver([], options.limit ?? 10_000, {})
}

function loggerOver(lines: LogLine[], limit: number, bindings: object): TestLogger {
  const at =
    (level: LogLevel) =>
    (fields: object, message?: string): void => {
      lines.push({ level, message, fields: { ...bindings, ...fields } })
      if (lines.length > limit) lines.shift()
    }
  return {
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (more) => loggerOver(lines, limit, { ...bindings, ...more }),
    lines,
    messages: (level) => lines.filter((line) => line.level === level).map((line) => line.message ?? ''),
  }
}
