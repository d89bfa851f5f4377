import type { PeerId } from '@pc/identity'
import { type Address, formatAddress } from './address.js'
import { backOff } from './back-off.js'
import { type FailedAttempt, isRetryable, TransportError } from './errors.js'
import type { NetworkProtocol, SecureStream } from './network-protocol.js'
import { type Clock, type Random, systemClock, systemRandom } from './ports.js'

/** Addresses beyond these are not tried: whoever lists so many for one peer is wrong or hostile. */
const MAX_ADDRESSES = 16

export interface ConnectToPeerOptions {
  /** Whom to find. Whoever else answers is left without having seen anything of ours. */
  expect?: PeerId
  /** For each address, connection and handshake together. @default 1000 */
  attemptTimeoutMs?: number
  /** Rounds after the first, with a random pause before each. @default 2 */
  retries?: number
  /** The next address is tried when the one before has not answered for so long (RFC 8305 §5). @default 250 */
  staggerMs?: number
  /** @default systemClock */
  clock?: Clock
  /** @default systemRandom */
  random?: Random
  /** Rejects with its reason; every attempt is cut. */
  signal?: AbortSignal
}

/**
 * Connects by whichever address works first. Addresses are tried in the given order, each one starting when the one before failed or
 * has been silent for `staggerMs`; the first to prove the right key wins, the others are destroyed. If all fail, those that
 * could do better are tried again after a pause. When the promise settles, no socket and no timer is left.
 * @throws TransportError NO_ADDRESS, ALL_ATTEMPTS_FAILED (with `attempts`: each address and its last failure)
 */
export async function connectToPeer(
  protocol: NetworkProtocol,
  addresses: readonly Address[],
  options: ConnectToPeerOptions = {},
): Promise<SecureStream> {
  const { retries = 2, clock = systemClock, random = systemRandom, signal } = options
  signal?.throwIfAborted()
  const failures = new Map<string, FailedAttempt>()
  let left = distinct(addresses)
  if (left.length === 0) throw new TransportError('NO_ADDRESS', 'There is no address to connect to.')
  for (let round = 0; ; round += 1) {
    const result = await race(protocol, left, options, clock)
    if ('stream' in result) return result.stream
    for (const failed of result.failed) failures.set(formatAddress(failed.address), failed)
    // Another key at an address will not turn into the right one within seconds.
    left = result.failed.filter(({ error }) => isRetryable(error)).map(({ address }) => address)
    if (round >= retries || left.length === 0) throw allFailed([...failures.values()])
    await pause(backOff(round + 1, random), clock, signal)
  }
}

type RaceResult = { stream: SecureStream } | { failed: FailedAttempt[] }

/** One round: every address once. Settles when one has won or all have failed; rejects only when the signal aborts. */
function race(
  protocol: NetworkProtocol,
  addresses: readonly Address[],
  options: ConnectToPeerOptions,
  clock: Clock,
): Promise<RaceResult> {
  const { staggerMs = 250, signal } = options
  return new Promise((resolve, reject) => {
    const waiting = [...addresses]
    const running = new Set<AbortController>()
    const failed: FailedAttempt[] = []
    let staggerTimer: unknown
    let settled = false

    const settle = (finish: () => void): void => {
      settled = true
      clock.clearTimeout(staggerTimer)
      signal?.removeEventListener('abort', onAbort)
      if (running.size > 0) {
        const lost = new Error('another address was faster, or nobody waits any more')
        for (const controller of running) controller.abort(lost)
      }
      finish()
    }
    const onAbort = (): void => settle(() => reject(signal?.reason))

    const startNext = (): void => {
      clock.clearTimeout(staggerTimer)
      const address = waiting.shift()
      if (address === undefined) return
      const controller = new AbortController()
      running.add(controller)
      if (waiting.length > 0) staggerTimer = clock.setTimeout(startNext, staggerMs)
      attempt(protocol, address, controller, options, clock).then(
        (stream) => {
          running.delete(controller)
          if (settled) stream.duplex.destroy()
          else settle(() => resolve({ stream }))
        },
        (error: Error) => {
          running.delete(controller)
          if (settled) return
          failed.push({ address, error })
          if (waiting.length > 0) startNext()
          else if (running.size === 0) settle(() => resolve({ failed }))
        },
      )
    }
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    signal?.addEventListener('abort', onAbort)
    startNext()
  })
}

/** One address, within its time even if the protocol does not keep to it. */
async function attempt(
  protocol: NetworkProtocol,
  address: Address,
  controller: AbortController,
  options: ConnectToPeerOptions,
  clock: Clock,
): Promise<SecureStream> {
  const { attemptTimeoutMs = 1_000, expect } = options
  const { signal } = controller
  const connecting = protocol.connect(address, {
    timeoutMs: attemptTimeoutMs,
    signal,
    ...(expect === undefined ? {} : { expect }),
  })
  const timer = clock.setTimeout(() => controller.abort(tooSlow(address, attemptTimeoutMs)), attemptTimeoutMs)
  let onAbort: (() => void) | undefined
  const cut = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([connecting, cut])
  } catch (error) {
    // A protocol that hands over a stream after it was told to stop: nobody wants it.
    connecting.then(
      (late) => late.duplex.destroy(),
      () => {},
    )
    throw error
  } finally {
    clock.clearTimeout(timer)
    if (onAbort !== undefined) signal.removeEventListener('abort', onAbort)
  }
}

function pause(delayMs: number, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      clock.clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function distinct(addresses: readonly Address[]): Address[] {
  const byText = new Map(addresses.map((address) => [formatAddress(address), address]))
  return [...byText.values()].slice(0, MAX_ADDRESSES)
}

function tooSlow(address: Address, timeoutMs: number): TransportError {
  return new TransportError('CONNECT_TIMEOUT', `${formatAddress(address)} did not answer within ${timeoutMs} ms.`, {
    address,
  })
}

function allFailed(attempts: readonly FailedAttempt[]): TransportError {
  const reasons = attempts.map(({ error }) => error.message).join(' ')
  return new TransportError('ALL_ATTEMPTS_FAILED', `No address led to the peer. ${reasons}`, { attempts })
}
