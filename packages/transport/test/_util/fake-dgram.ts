/** A `dgram.Socket` whose system does what the test says. */
import type { createSocket, Socket } from 'node:dgram'
import { EventEmitter } from 'node:events'
import type { DatagramMachine } from '../../src/bound-udp-socket.js'

/** As Node makes them: with the address that was sent to. */
export function sendError(code: string, address: string, port: number): Error {
  return Object.assign(new Error(`send ${code} ${address}:${port}`), { code, syscall: 'send', address, port })
}

export class FakeDgram extends EventEmitter {
  readonly sent: { bytes: Uint8Array; port: number; host: string }[] = []
  readonly calls: string[] = []
  /** What the system says to the next datagrams to a host. */
  readonly failures = new Map<string, string>()
  /** Largest receive buffer that is not refused. */
  largestBuffer = Number.POSITIVE_INFINITY
  waitingBytes = 0
  #buffer = 0

  address(): { address: string; family: string; port: number } {
    return { address: '10.0.0.1', family: 'IPv4', port: 4_000 }
  }

  bind(_options: object, bound: () => void): this {
    queueMicrotask(bound)
    return this
  }

  send(bytes: Uint8Array, port: number, host: string, told: (error: Error | null, bytes?: number) => void): void {
    const code = this.failures.get(host)
    if (code === undefined) this.sent.push({ bytes, port, host })
    process.nextTick(told, code === undefined ? null : sendError(code, host, port), bytes.length)
  }

  getSendQueueSize(): number {
    return this.waitingBytes
  }

  setRecvBufferSize(size: number): void {
    if (size > this.largestBuffer) throw Object.assign(new Error('ENOBUFS'), { code: 'ENOBUFS' })
    this.#buffer = size
  }

  getRecvBufferSize(): number {
    return this.#buffer
  }

  close(closed?: () => void): this {
    if (closed !== undefined) process.nextTick(closed)
    return this
  }

  setBroadcast(on: boolean): void {
    this.calls.push(`broadcast ${on}`)
  }

  setSendBufferSize(size: number): void {
    this.calls.push(`send buffer ${size}`)
  }

  setMulticastInterface(name: string): void {
    this.calls.push(`interface ${name}`)
  }

  setMulticastTTL(ttl: number): void {
    this.calls.push(`ttl ${ttl}`)
  }

  setMulticastLoopback(on: boolean): void {
    this.calls.push(`loopback ${on}`)
  }

  addMembership(group: string, on: string): void {
    this.calls.push(`join ${group} ${on}`)
  }

  dropMembership(group: string, on: string): void {
    this.calls.push(`leave ${group} ${on}`)
  }
}

/** A machine with 10.0.0.1/24 and fe80::1 on `eth0`, index 7. */
export function machineOf(socket: FakeDgram, platform = 'linux'): DatagramMachine {
  const common = { mac: '02:00:00:00:00:01', internal: false, cidr: null }
  return {
    platform,
    interfaces: () => ({
      eth0: [
        { ...common, family: 'IPv4', address: '10.0.0.1', netmask: '255.255.255.0' },
        { ...common, family: 'IPv6', address: 'fe80::1', netmask: 'ffff:ffff:ffff:ffff::', scopeid: 7 },
      ],
    }),
    createSocket: (() => socket as unknown as Socket) as typeof createSocket,
  }
}
