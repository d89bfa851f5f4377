/** The one place that makes a logger; packages take it injected. Logs go to stderr, as JSON lines. */

import type { Logger } from '@pc/transport'
import { destination, pino } from 'pino'
import type { LogLevel } from './config.js'

export function createLogger(level: LogLevel): Logger {
  // Synchronous: the lines before a crash are the ones that matter.
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination({ fd: 2, sync: true }))
}
