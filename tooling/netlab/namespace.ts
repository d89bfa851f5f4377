/** One network namespace under a name that tells whose it is. */
import { command } from './commands.js'
import { isAbandoned, OWN } from './owner.js'

export class Namespace {
  readonly name: string
  /** Put before a command line to run it in here. `ip netns exec` becomes the program, so its process id is the program's. */
  readonly prefix: readonly string[]
  #deleted = false

  constructor(label: string) {
    this.name = `${OWN}-${label}`
    this.prefix = ['ip', 'netns', 'exec', this.name]
    command(['ip', 'netns', 'add', this.name])
  }

  ip(...args: string[]): string {
    return command(['ip', '-n', this.name, ...args])
  }

  tc(...args: string[]): string {
    return command(['tc', '-n', this.name, ...args])
  }

  nft(args: readonly string[], input = ''): string {
    return command([...this.prefix, 'nft', ...args], input)
  }

  /** A file of /proc or /sys as this namespace has it. */
  read(path: string): string {
    return command([...this.prefix, 'cat', path])
  }

  /** `key` as under /proc/sys/net, such as `ipv6/conf/all/accept_dad`. */
  setting(key: string, value: string): void {
    command([...this.prefix, 'tee', `/proc/sys/net/${key}`], value)
  }

  /** Kills every process in here and removes it; its interfaces go with it, and with each veth its other end. Idempotent. */
  delete(): void {
    if (this.#deleted) return
    this.#deleted = true
    remove(this.name)
  }
}

/** Removes what runs that are gone have left behind, and returns its names. */
export function removeAbandonedNamespaces(): string[] {
  const names = command(['ip', 'netns', 'list'])
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
  const abandoned = names.filter((name) => isAbandoned(name))
  for (const name of abandoned) remove(name)
  return abandoned
}

function remove(name: string): void {
  for (const pid of command(['ip', 'netns', 'pids', name]).split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch (error) {
      // It ended in the meantime, which is what was wanted.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  command(['ip', 'netns', 'del', name])
}
