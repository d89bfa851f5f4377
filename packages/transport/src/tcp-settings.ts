/** TCP as this stack uses it, whatever is spoken over it. */

/** Bytes that a stream buffers in each direction before it asks to wait. */
export const STREAM_HIGH_WATER_MARK = 65_536
/** The kernel probes a silent connection after this many milliseconds; the pings of the control connection are faster. */
const TCP_KEEP_ALIVE_MS = 30_000
/** For TCP connection and handshake together; an honest peer in the same network needs milliseconds. */
export const HANDSHAKE_TIMEOUT_MS = 5_000
/** Connections waiting in the kernel. */
export const BACKLOG = 128

/** For sockets of both sides. Half-open streams would hide that the other side has gone. */
export const TCP_OPTIONS: {
  readonly noDelay: true
  readonly keepAlive: true
  readonly keepAliveInitialDelay: number
  readonly allowHalfOpen: false
  readonly highWaterMark: number
} = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: TCP_KEEP_ALIVE_MS,
  allowHalfOpen: false,
  highWaterMark: STREAM_HIGH_WATER_MARK,
}
