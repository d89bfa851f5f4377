/**
 * Hosts on one machine: network namespaces joined by a bridge in a namespace of its own, so that nothing of it touches the
 * machine's real interfaces. Needs root and ip(8).
 */
import { spawnSync } from 'node:child_process'

export interface Host {
  readonly name: string
  readonly address: string
  /** Put before a command line to run it on this host. */
  readonly prefix: readonly string[]
}

/** The interface that every host has, as PC_INTERFACES wants it. */
export const HOST_INTERFACE = 'lan0'

export class Lan {
  readonly hosts: readonly Host[]
  readonly #namespaces: string[] = []

  /** Makes `names.length` hosts with addresses 10.31.7.1, .2, …; throws with what ip(8) said. */
  constructor(names: readonly string[]) {
    const tag = `pc${process.pid}`
    const bridge = `${tag}-switch`
    try {
      this.#addNamespace(bridge)
      ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge')
      ip('-n', bridge, 'link', 'set', 'br0', 'up')
      this.hosts = names.map((name, index) => {
        const namespace = `${tag}-${name}`
        const address = `10.31.7.${index + 1}`
        this.#addNamespace(namespace)
        ip(
          '-n',
          bridge,
          'link',
          'add',
          `port${index}`,
          'type',
          'veth',
          'peer',
          'name',
          HOST_INTERFACE,
          'netns',
          namespace,
        )
        ip('-n', bridge, 'link', 'set', `port${index}`, 'master', 'br0', 'up')
        ip('-n', namespace, 'link', 'set', 'lo', 'up')
        ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', HOST_INTERFACE)
        ip('-n', namespace, 'link', 'set', HOST_INTERFACE, 'up')
        return { name, address, prefix: ['ip', 'netns', 'exec', namespace] }
      })
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Removes every namespace it made, and with them their interfaces. Idempotent. */
  close(): void {
    const failures: unknown[] = []
    for (let name = this.#namespaces.pop(); name !== undefined; name = this.#namespaces.pop()) {
      try {
        ip('netns', 'del', name)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  #addNamespace(name: string): void {
    ip('netns', 'add', name)
    this.#namespaces.push(name)
  }
}

/** Why network namespaces cannot be made here, or undefined. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces exist only on Linux'
  if (process.getuid?.() !== 0) return 'making network namespaces needs root'
  if (spawnSync('ip', ['-V']).status !== 0) return 'ip(8) is not installed (package iproute2)'
  return undefined
}

function ip(...args: string[]): void {
  const result = spawnSync('ip', args, { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(`ip ${args.join(' ')} failed: ${result.stderr.trim()}`)
}
