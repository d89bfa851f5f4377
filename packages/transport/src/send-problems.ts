/** Which failures of sending are worth a line in the log: each problem once, not each datagram. Pure. */
import type { TransportErrorCode } from './errors.js'

/** Hosts remembered for one problem; the problem is over when all of them were reached again. */
const MAX_HOSTS = 64
/** There are fewer errors of the system that sending can meet. */
const MAX_PROBLEMS = 32

export class SendProblems {
  /** The hosts that each problem was met at, by the name of the problem. */
  readonly #hosts = new Map<string, Set<string>>()
  #tooLarge = false

  /** Problems that are not over. */
  get size(): number {
    return this.#hosts.size
  }

  /**
   * A datagram to `host` failed. `name` tells problems with one code apart: the error of the system, if there is one.
   * @returns how loud to say so; undefined when it was said before, or when there is nothing to say
   */
  note(code: TransportErrorCode, name: string, host: string): 'error' | 'warn' | undefined {
    // A full queue is no problem of anybody's: it is counted, and the caller backs off.
    if (code === 'DATAGRAM_DROPPED') return undefined
    if (code === 'DATAGRAM_TOO_LARGE') {
      // A mistake of this program, which does not go away.
      const level = this.#tooLarge ? undefined : 'error'
      this.#tooLarge = true
      return level
    }
    const hosts = this.#hosts.get(name)
    if (hosts !== undefined) {
      if (hosts.size < MAX_HOSTS) hosts.add(host)
      return undefined
    }
    if (this.#hosts.size >= MAX_PROBLEMS) return undefined
    this.#hosts.set(name, new Set([host]))
    return 'warn'
  }

  /** A datagram to `host` was taken by the machine. */
  reached(host: string): void {
    for (const [name, hosts] of this.#hosts) {
      if (hosts.delete(host) && hosts.size === 0) this.#hosts.delete(name)
    }
  }
}
