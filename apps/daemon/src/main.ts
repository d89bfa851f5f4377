#!/usr/bin/env node
/** pcd: config → compose → start → wait for a signal → close. */
import { ConfigError, helpText, readConfig } from './config.js'
import { startDaemon } from './daemon.js'
import { createLogger, openLog } from './log.js'
import { stopSignals } from './stop-signals.js'

/** A polite stop says goodbye and drains; past this the rest is cut. */
const STOP_LIMIT_MS = 5_000

/** What is cut ends in milliseconds; whatever still holds the process then is a fault, and does not keep it. */
const CUT_LIMIT_MS = 3_000

if (process.argv.includes('--help')) {
  console.log(helpText())
} else {
  await main()
}

async function main(): Promise<void> {
  const stop = new AbortController()
  const abrupt = new AbortController()
  const exit = (): void => process.exit(process.exitCode ?? 1)
  const onSignal = stopSignals({ stop, abrupt, exit, now: () => performance.now() })
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal)
  try {
    const config = readConfig(process.argv.slice(2), process.env)
    const log = openLog(createLogger(config.log), config.logIds)
    process.on('uncaughtException', (error) => {
      log.own.error({ err: error }, 'a fault that nothing caught; stopping')
      process.exitCode = 1
      if (stop.signal.aborted) abrupt.abort()
      else stop.abort()
    })
    abrupt.signal.addEventListener('abort', () => {
      setTimeout(() => {
        log.own.error({}, 'something did not end when it was cut; ending without it')
        exit()
      }, CUT_LIMIT_MS).unref()
    })
    const daemon = await startDaemon(config, log, stop)
    console.log(daemon.banner)
    if (!stop.signal.aborted)
      await new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true }))
    const limit = setTimeout(() => abrupt.abort(), STOP_LIMIT_MS)
    await daemon.close({ signal: abrupt.signal })
    clearTimeout(limit)
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) return
    console.error(explain(error))
    process.exitCode = error instanceof ConfigError ? 2 : 1
  } finally {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, onSignal)
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return `pcd: ${String(error)}`
  const code = 'code' in error && typeof error.code === 'string' ? ` (${error.code})` : ''
  return `pcd: ${error.message}${code}`
}
