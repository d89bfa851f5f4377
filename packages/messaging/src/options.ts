import type { Authorize } from '@pc/dispatch'
import { type Clock, type Logger, type Random, silentLogger, systemClock, systemRandom } from '@pc/transport'
import type { ReceivedMessage } from './inbox.js'
import type { InboxOptions } from './memory-inbox.js'
import type { MessagingConnector } from './ports.js'

export interface MessagingLimits {
  /** Messages to one peer that wait for the wire; the next `send` rejects with OUTBOX_FULL. @default 10000 */
  readonly outboxMessages?: number
  /** The same in bytes of memory. @default 64 MiB */
  readonly outboxBytes?: number
  /** Bytes of messages that wait, to all peers together. @default 256 MiB */
  readonly outboxTotalBytes?: number
  /** Own requests that wait for a reply, to all peers together; the next one rejects with BUSY. @default 1024 */
  readonly pendingRequests?: number
  /** Requests of one connection in service here; further ones are answered BUSY. @default 1024 */
  readonly servedRequests?: number
  /** The longest a request of another peer is served, whatever it asks for, ms. @default 600000 (10 minutes) */
  readonly maxServiceMs?: number
  /** Stored messages of one peer and type whose handler has not been called; further ones are refused BUSY. @default 1000 */
  readonly handlerBacklog?: number
  /** How long `close` waits for what is under way before it gives it up, ms. @default 5000 */
  readonly drainMs?: number
}

export interface MessagingOptions {
  readonly connector: MessagingConnector
  /** Asked before a message is stored, and before every handler. @default only what is open to `anyone` */
  readonly authorize?: Authorize
  /** @default the clock of this machine */
  readonly clock?: Clock
  /** @default the randomness of this machine */
  readonly random?: Random
  /** @default silent */
  readonly logger?: Logger
  readonly inbox?: InboxOptions
  /**
   * Called with every message before it is stored and acknowledged; if it throws, the message is refused
   * (INBOX_REFUSED), and its sender is told. Must return at once.
   */
  readonly journal?: (message: ReceivedMessage) => void
  readonly limits?: MessagingLimits
}

export type ResolvedLimits = Required<MessagingLimits>

const MIB = 1_048_576

const DEFAULTS: ResolvedLimits = {
  outboxMessages: 10_000,
  outboxBytes: 64 * MIB,
  outboxTotalBytes: 256 * MIB,
  pendingRequests: 1_024, // a reply on a LAN takes milliseconds: more would wait for peers that do not answer
  servedRequests: 1_024,
  maxServiceMs: 600_000, // nobody waits longer for one answer; without a bound a stranger could hold a place for ever
  handlerBacklog: 1_000,
  drainMs: 5_000, // shutdown ends within 10 s, and connections drain after messages
}

/** With every default filled in. */
export type ResolvedOptions = MessagingOptions &
  Required<Pick<MessagingOptions, 'authorize' | 'clock' | 'random' | 'logger'>> & { readonly limits: ResolvedLimits }

export function resolveOptions(options: MessagingOptions): ResolvedOptions {
  return {
    ...options,
    authorize: options.authorize ?? (({ access }) => access === 'anyone'),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    logger: options.logger ?? silentLogger,
    limits: { ...DEFAULTS, ...options.limits },
  }
}

/** For an acknowledgement. A LAN answers within milliseconds; half a minute spans a restart of a Wi-Fi link. */
export const SEND_TIMEOUT_MS = 30_000
export const REQUEST_TIMEOUT_MS = 10_000
