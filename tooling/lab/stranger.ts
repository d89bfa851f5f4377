/** Machines on the network that follow no rule: what they send is made by hand. */
import type { Duplex } from 'node:stream'
import { type AnnouncementBody, packAnnouncement } from '@pc/discovery'
import type { PeerId } from '@pc/identity'
import { createIdentity, type Identity, type Network, signPeerRecord } from '@pc/identity'
import type { SimulatedHost, SimulatedSocket } from '@pc/testkit'
import {
  encodeFrame,
  encodeValue,
  type Message,
  PROTOCOL_VERSION,
  packMacDatagram,
  RootCode,
  type Value,
} from '@pc/wire'
import type { Lab } from './lab.js'
import type { Machine } from './machine.js'

/** Where peers announce themselves (docs/protocol.md). */
export const GROUP = { host: '239.1.11.11', port: 3486 } as const
export const NETWORK_NAME = 'peerconnect'
export const PEER_PORT = 3485

export interface Stranger {
  readonly identity: Identity
  readonly host: SimulatedHost<PeerId>
}

/** A machine with a key, and nothing that runs on it. Strangers with one address share the machine. */
export function stranger(lab: Lab, name: string, address: string): Stranger {
  const identity = createIdentity(lab.random.stream(`stranger ${name}`).bytes(32))
  const host = lab.network.host({ id: identity.id, interfaces: [{ name: 'eth0', address, netmask: '255.0.0.0' }] })
  lab.recorder.identity(identity.id.toString(), name)
  return { identity, host }
}

/** One that hears and sends announcements. */
export async function multicaster(
  lab: Lab,
  name: string,
  address: string,
  onDatagram: (bytes: Uint8Array, from: { readonly host: string; readonly port: number }) => void = () => {},
): Promise<{ identity: Identity; host: SimulatedHost<PeerId>; socket: SimulatedSocket; ears: SimulatedSocket }> {
  const { identity, host } = stranger(lab, name, address)
  const ears = await host.bind({ host: '0.0.0.0', port: GROUP.port, shareAddress: true }, onDatagram)
  ears.joinGroup(GROUP.host, address)
  const options = { host: address, port: 0, multicast: { interfaceAddress: address, loopback: false } }
  const socket = await host.bind(options, onDatagram)
  return { identity, host, socket, ears }
}

/** A datagram of discovery under the network's MAC. */
export function announcement(network: Network, body: AnnouncementBody, bootId: Uint8Array, sentAt: number): Uint8Array {
  const fields = {
    rootCode: RootCode.DISCOVERY,
    keyId: network.keyId,
    sentAt,
    bootId,
    body: encodeValue(packAnnouncement(body)),
  }
  return packMacDatagram(fields, (authenticated) => network.mac(authenticated))
}

/** One end of a stream to a peer, spoken by hand. */
export class Wire {
  readonly #duplex: Duplex
  #id = 0
  closed = false

  /** Over a stream that somebody dialled. */
  constructor(duplex: Duplex) {
    this.#duplex = duplex
    duplex.on('error', () => {})
    duplex.on('data', () => {})
    duplex.on('close', () => {
      this.closed = true
    })
  }

  static async dial(host: SimulatedHost<PeerId>, to: Pick<Machine, 'host'>): Promise<Wire> {
    const stream = await host.connect({ host: to.host.address, port: PEER_PORT })
    return new Wire(stream.duplex)
  }

  write(bytes: Uint8Array): void {
    if (!this.closed) this.#duplex.write(bytes)
  }

  frame(header: string, body: Value, id: number = ++this.#id): void {
    this.write(frameOf(header, body, id))
  }

  /** What comes from now on is left unread, and fills the window of whoever sends it. */
  stopReading(): void {
    this.#duplex.pause()
  }

  end(): void {
    this.#duplex.end()
  }

  destroy(): void {
    this.#duplex.destroy()
  }
}

/** With limits so wide that it encodes what no peer may send. */
export function frameOf(header: string, body: Value, id: number): Uint8Array {
  const message: Message = { header, id, version: PROTOCOL_VERSION, body, peerId: null }
  return encodeFrame(message, { limits: { maxDepth: 64, maxElements: 100_000 } })
}

/** What a frame begins with that claims to be so long. */
export function prefixOf(length: number): Uint8Array {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return bytes
}

/** HELLO of a peer that knows the rules. */
export function helloOf(
  identity: Identity,
  network: Network,
  name: string,
  boot: Uint8Array,
  kind: 'control' | 'bulk' = 'control',
): { [key: string]: Value } {
  const record = signPeerRecord(identity, { sequence: 1, name, addresses: [], capabilities: [] })
  return {
    version: [PROTOCOL_VERSION, PROTOCOL_VERSION],
    boot,
    kind,
    record: record.bytes,
    features: [],
    network: network.keyId,
  }
}
