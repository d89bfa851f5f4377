/** The quartz and the battery-backed clock of one machine, as a function of virtual time. */
export class MachineTime {
  /** Goes up whenever moments of this machine fall on other moments of virtual time than was computed before. */
  epoch = 0
  #rate = 1
  #asleep = false
  #since = 0
  #monotonic = 0
  #unix: number

  constructor(unixStart: number) {
    this.#unix = unixStart
  }

  get asleep(): boolean {
    return this.#asleep
  }

  /** Milliseconds of this machine's own; stands still while it sleeps. */
  monotonic(now: number): number {
    return this.#asleep ? this.#monotonic : this.#monotonic + (now - this.#since) * this.#rate
  }

  /** Unix milliseconds; goes on while the machine sleeps. */
  unix(now: number): number {
    return this.#unix + (now - this.#since) * this.#rate
  }

  /** How much virtual time passes while this machine counts `ms`. */
  duration(ms: number): number {
    return ms / this.#rate
  }

  setDrift(now: number, driftPpm: number): void {
    this.#rebase(now)
    this.#rate = 1 + driftPpm / 1e6
  }

  setUnix(now: number, unix: number): void {
    this.#rebase(now)
    this.#unix = unix
  }

  sleep(now: number): void {
    this.#rebase(now)
    this.#asleep = true
  }

  wake(now: number): void {
    this.#rebase(now)
    this.#asleep = false
  }

  #rebase(now: number): void {
    this.#monotonic = this.monotonic(now)
    this.#unix = this.unix(now)
    this.#since = now
    this.epoch++
  }
}
