export type { AddressLimiterOptions } from './address-limiter.js'
export { AddressLimiter } from './address-limiter.js'
export type { ConnectionDispatcherOptions, ServiceHandler } from './connection-dispatcher.js'
export { ConnectionDispatcher } from './connection-dispatcher.js'
export type {
  Access,
  Authorize,
  DispatcherOptions,
  Handler,
  HandlerContext,
  HandlerOptions,
  Verb,
} from './dispatcher.js'
export { Dispatcher } from './dispatcher.js'
export { ErrorNumber } from './error-number.js'
export type { DispatchErrorCode } from './errors.js'
export { DispatchError } from './errors.js'
export type { FeedOptions } from './feed.js'
export { Feed } from './feed.js'
export type { ReplyRegistryOptions } from './reply-registry.js'
export { ReplyRegistry } from './reply-registry.js'
export type { RequestsCounters } from './requests-counters.js'
export type {
  Announcement,
  AnnouncementHandler,
  ReceiveOptions,
  RequestsEndpointLimits,
  RequestsEndpointOptions,
} from './requests-endpoint.js'
export { RequestsEndpoint } from './requests-endpoint.js'
