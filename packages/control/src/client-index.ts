// The client's half alone, for programs that must start fast: it loads neither sockets of the network nor handlers.

export type { Value } from '@pc/wire'
export { type CallOptions, ControlClient, type ControlClientOptions, type Timers } from './client.js'
export { ControlError, type ControlErrorCode, type ControlErrorOptions } from './errors.js'
export { controlPath, defaultFolders, type Folders } from './folders.js'
