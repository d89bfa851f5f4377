/**
 * The control socket as the guard that one folder has one daemon.
 *
 * A socket file outlives a killed daemon, and unlinking "the stale one" by name may hit the fresh socket of a daemon
 * that started a moment earlier. So nobody ever unlinks `control.sock` to take it. A starter listens under a random
 * name, shows itself as `.claim-<random>`, and looks around: a claim is held only by a process that listens (the
 * kernel lets go of it when the process dies), and no other process uses its name, so one that refuses connections is
 * dead for ever and can be removed safely.
 * Whoever sees no other claim is alone: two starters both show their claim before they look, so the later of them sees
 * the other. Alone, it checks `control.sock` again and renames its own claim over it: at that instant, and not
 * before, the claim is gone and the daemon is reachable. With rivals, the smallest name waits and the others step back.
 */
import { randomBytes } from 'node:crypto'
import { chmod, readdir, rename, rm, stat } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import path from 'node:path'
import type { Clock } from '@pc/transport'
import { ControlError } from './errors.js'

const CLAIM = '.claim-'
/** A claim that is not shown: while the socket does not listen yet, and while its owner has stepped back. */
const HIDDEN = '.start-'

/** Pause between two looks at rivals; they need microseconds for their turn. */
const RIVAL_PAUSE_MS = 10

/** Looks before giving up: at 10 ms a look about 10 s, far more than 64 starters at once need. */
const MAX_LOOKS = 1_000

/** Age at which a hidden socket nobody listens on was left by a crash, not just bound. */
const HIDDEN_LEFTOVER_MS = 60_000

export interface TakenSocket {
  /** Removes the socket file if it is still ours, then stops listening. Idempotent. */
  release(): Promise<void>
}

export interface TakeSocketOptions {
  /** Not listening yet. It gets a few connections that say nothing and end at once: others looking whether it lives. */
  readonly server: Server
  readonly path: string
  readonly clock: Clock
  /** Gives up between two looks with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** @throws ControlError ALREADY_RUNNING, BUSY (others start and never finish), FOLDER_UNSAFE (no permission) */
export async function takeSocket(options: TakeSocketOptions): Promise<TakenSocket> {
  if (options.path.startsWith('\\\\')) return takePipe(options)
  if (await isLive(options.path)) throw alreadyRunning(options.path)
  const claim = await Claim.make(options)
  try {
    await claim.win()
    return new OwnedSocket(options.server, options.path, (await stat(options.path)).ino)
  } catch (error) {
    await claim.drop()
    throw error
  }
}

/** Whether somebody listens at `path`, see {@link probe}. */
export async function isLive(path: string): Promise<boolean> {
  return (await probe(path)) === 'live'
}

/**
 * What stands at `path`: a socket somebody listens on, one that nobody will ever listen on again (or no socket at
 * all), or nothing. Only the kernel is asked: a daemon that hangs is alive.
 * @throws ControlError FOLDER_UNSAFE when the socket may not be opened
 */
function probe(path: string): Promise<'live' | 'dead' | 'absent'> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve('live')
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      switch (error.code) {
        case 'ENOENT':
          return resolve('absent')
        case 'ECONNREFUSED':
        case 'ENOTSOCK':
          return resolve('dead')
        // Its queue of clients is full; or it accepted, and went before it noticed us.
        case 'EAGAIN':
        case 'ECONNRESET':
        case 'EPIPE':
          return resolve('live')
        default:
          return reject(socketError(path, error))
      }
    })
  })
}

class Claim {
  readonly #options: TakeSocketOptions
  readonly #folder: string
  readonly #name: string

  static async make(options: TakeSocketOptions): Promise<Claim> {
    const claim = new Claim(options)
    await listen(options.server, claim.#at(HIDDEN))
    // The folder keeps others out already; this is for the day somebody opens it up.
    await chmod(claim.#at(HIDDEN), 0o600)
    return claim
  }

  private constructor(options: TakeSocketOptions) {
    this.#options = options
    this.#folder = path.dirname(options.path)
    this.#name = randomBytes(4).toString('hex')
  }

  /** Resolves once the claim has become the control socket. */
  async win(): Promise<void> {
    const { path: target, signal } = this.#options
    let shown = false
    for (let look = 0; look < MAX_LOOKS; look++) {
      signal?.throwIfAborted()
      if (await isLive(target)) throw alreadyRunning(target)
      if (!shown) await rename(this.#at(HIDDEN), this.#at(CLAIM))
      shown = true
      const rivals = await this.#rivals()
      if (rivals.length === 0) {
        // The last rival may have become the daemon since we looked.
        if (await isLive(target)) throw alreadyRunning(target)
        return await rename(this.#at(CLAIM), target)
      }
      if (rivals.some((rival) => rival < this.#name)) {
        await rename(this.#at(CLAIM), this.#at(HIDDEN))
        shown = false
      }
      await this.#pause()
    }
    throw new ControlError(
      'BUSY',
      `other daemons keep starting in ${this.#folder}: look for what starts them, then try again`,
    )
  }

  async drop(): Promise<void> {
    await rm(this.#at(CLAIM), { force: true })
    await rm(this.#at(HIDDEN), { force: true })
    await closeServer(this.#options.server)
  }

  /** Names of the other claims that are alive; dead ones are removed. */
  async #rivals(): Promise<string[]> {
    const rivals: string[] = []
    for (const entry of await readdir(this.#folder)) {
      if (entry.startsWith(HIDDEN)) await this.#sweep(path.join(this.#folder, entry))
      if (!entry.startsWith(CLAIM) || entry === CLAIM + this.#name) continue
      const found = await probe(path.join(this.#folder, entry))
      if (found === 'live') rivals.push(entry.slice(CLAIM.length))
      // Not an absent one: its owner stepped back since we listed it, and may show it again before we remove it.
      if (found === 'dead') await rm(path.join(this.#folder, entry), { force: true })
    }
    return rivals
  }

  async #sweep(file: string): Promise<void> {
    const found = await stat(file).catch(() => undefined) // its owner may have gone on meanwhile
    if (found === undefined || this.#options.clock.unixNow() - found.mtimeMs < HIDDEN_LEFTOVER_MS) return
    if ((await probe(file)) === 'dead') await rm(file, { force: true })
  }

  #at(prefix: string): string {
    return path.join(this.#folder, prefix + this.#name)
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.setTimeout(resolve, RIVAL_PAUSE_MS))
  }
}

class OwnedSocket implements TakenSocket {
  readonly #server: Server
  readonly #path: string
  readonly #inode: number
  #released: Promise<void> | undefined

  constructor(server: Server, path: string, inode: number) {
    this.#server = server
    this.#path = path
    this.#inode = inode
  }

  release(): Promise<void> {
    this.#released ??= this.#release()
    return this.#released
  }

  async #release(): Promise<void> {
    // While we listen nobody replaces the file; if a person deleted it, the one standing there now is not ours.
    const found = await stat(this.#path).catch(() => undefined)
    if (found?.ino === this.#inode) await rm(this.#path, { force: true })
    await closeServer(this.#server)
  }
}

/** Named pipes go away with their process, and only one process can own a name: nothing to claim. */
async function takePipe({ server, path }: TakeSocketOptions): Promise<TakenSocket> {
  try {
    await listen(server, path)
  } catch (error) {
    if (error instanceof ControlError && codeOf(error.cause) === 'EADDRINUSE') throw alreadyRunning(path)
    throw error
  }
  let released: Promise<void> | undefined
  return {
    release: () => {
      released ??= closeServer(server)
      return released
    },
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => reject(socketError(path, error))
    server.once('error', onError)
    server.listen({ path }, () => {
      server.off('error', onError)
      resolve()
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve()
    server.close(() => resolve())
  })
}

function alreadyRunning(path: string): ControlError {
  return new ControlError('ALREADY_RUNNING', `a daemon already answers at ${path}: use it, or stop it first`, {
    details: { path },
  })
}

function socketError(path: string, cause: NodeJS.ErrnoException): ControlError {
  const forbidden = cause.code === 'EACCES' || cause.code === 'EPERM'
  const what = forbidden
    ? `no permission to use the control socket ${path}: is the state folder somebody else's?`
    : `the control socket ${path} could not be used: ${cause.message}`
  return new ControlError(forbidden ? 'FOLDER_UNSAFE' : 'INTERNAL', what, { cause, details: { path } })
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
}
