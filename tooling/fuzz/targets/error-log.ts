import type { Logger } from '@pc/transport'

/** What is logged as an error was foreseen by nobody: but for handlers that fail on purpose, which are warnings. */
export function errorsInto(list: unknown[]): Logger {
  const ignore = (): void => {}
  const logger: Logger = {
    trace: ignore,
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fields: object, text?: string): void => {
      const { error, err } = fields as { error?: unknown; err?: unknown }
      list.push(`${text ?? ''} ${String(error ?? err ?? '')}`)
    },
    child: () => logger,
  }
  return logger
}
