export type { Announcement, AnnouncementHandler } from './announcements.js'
export type { ConnectionDispatcherOptions, ServiceHandler } from './connection-dispatcher.js'
export { ConnectionDispatcher } from './connection-dispatcher.js'
export type { Waiting } from './deadlines.js'
export { Deadlines } from './deadlines.js'
export type { DispatcherOptions, DispatchOptions } from './dispatcher.js'
export { Dispatcher } from './dispatcher.js'
export type { DispatcherCounters } from './dispatcher-counters.js'
export { ErrorNumber } from './error-number.js'
export type { DispatchErrorCode } from './errors.js'
export { DispatchError } from './errors.js'
export type { FeedOptions } from './feed.js'
export { Feed } from './feed.js'
export type {
  Access,
  Authorize,
  BatchHandler,
  BatchOptions,
  DispatchedEvent,
  DispatchTarget,
  Handler,
  HandlerContext,
  HandlerOptions,
  Settle,
  Verb,
} from './handler.js'
export type { Middleware } from './middleware.js'
export { Priority } from './priority.js'
export type { Rate } from './rate-limit.js'
export type { ReplyRegistryOptions } from './reply-registry.js'
export { ReplyRegistry } from './reply-registry.js'
export type { RequestsCounters } from './requests-counters.js'
export { RequestsEndpoint } from './requests-endpoint.js'
export type {
  DatagramHandler,
  DatagramHandlerOptions,
  Destination,
  ReceiveOptions,
  RequestsEndpointLimits,
  RequestsEndpointOptions,
  RequestsEndpointSize,
  SendOptions,
  SubmitOptions,
} from './requests-options.js'
export type { HandshakeLimits } from './sessions/handshake-limits.js'
export type { PeerQuotaLimits } from './sessions/peer-quota.js'
export type { DatagramEvent } from './sessions/sealed-handlers.js'
export type { SessionsLimits } from './sessions/sessions.js'
export type { HandleTrace, RefusedTrace } from './tracing.js'
export type { WorkerHandlerOptions } from './worker-handler.js'
export type { WorkersOptions } from './worker-pool.js'
