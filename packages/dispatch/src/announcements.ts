/**
 * Datagrams under the network's MAC: discovery speaks by them, before anybody can be proved. They carry hints, never facts. Pure.
 */
import type { Network } from '@pc/identity'
import type { Address, DatagramSocket } from '@pc/transport'
import {
  DATAGRAM_LIMITS,
  decodeValue,
  encodeValue,
  InvalidPacketError,
  keyOfBytes,
  type MacDatagram,
  packMacDatagram,
  type Value,
} from '@pc/wire'
import { DispatchError } from './errors.js'
import { ReplayGuard } from './replay-guard.js'

/** A datagram whose MAC, freshness and encoding are checked; its body's shape is not. */
export interface Announcement {
  readonly rootCode: number
  readonly body: Value
  /** 8 bytes, drawn by the sender at its start. */
  readonly bootId: Uint8Array
  /** The sender's stamp: rises with every datagram of a boot, and compares with nothing else. */
  readonly sentAt: number
  /** Where it came from, unproved. */
  readonly from: Address
  /** The socket it came in by, when `receive` was told. */
  readonly via: DatagramSocket | undefined
}

export type AnnouncementHandler = (announcement: Announcement) => void

/** Why one was not accepted. */
export type AnnouncementRefusal = 'keyId' | 'mac' | 'replay' | 'decode'

const BOOT_ID_BYTES = 8

export class Announcements {
  readonly #network: Network
  readonly #bootId: Uint8Array
  readonly #bootKey: string
  readonly #replayGuard: ReplayGuard
  #lastSentAt = 0

  /** @throws DispatchError INVALID_ARGUMENT */
  constructor(network: Network, bootId: Uint8Array, boots: number | undefined) {
    if (bootId.length !== BOOT_ID_BYTES) {
      throw new DispatchError('INVALID_ARGUMENT', `expected a bootId of 8 bytes, got ${bootId.length}`)
    }
    this.#network = network
    this.#bootId = Uint8Array.from(bootId)
    this.#bootKey = keyOfBytes(bootId)
    this.#replayGuard = new ReplayGuard(boots)
  }

  /** Whether it is one of ours, come back by multicast. */
  isOwn(datagram: MacDatagram): boolean {
    return keyOfBytes(datagram.bootId) === this.#bootKey
  }

  read(datagram: MacDatagram, from: Address, via: DatagramSocket | undefined): Announcement | AnnouncementRefusal {
    const { rootCode, keyId, authenticated, mac, sentAt } = datagram
    if (keyId !== this.#network.keyId) return 'keyId'
    if (!this.#network.verify(authenticated, mac)) return 'mac'
    if (!this.#replayGuard.accept(keyOfBytes(datagram.bootId), sentAt)) return 'replay'
    const decoded = decodeOrRefuse(datagram.body)
    if (decoded === undefined) return 'decode'
    // May be kept for long, and must not keep the whole datagram.
    return { rootCode, body: decoded.body, bootId: Uint8Array.from(datagram.bootId), sentAt, from, via }
  }

  /** A whole datagram. @throws WireError for a body that cannot be encoded or is too large */
  pack(rootCode: number, body: Value, unixNow: number): Uint8Array {
    // Strictly rising within this boot, even when the machine's clock is set back.
    this.#lastSentAt = Math.max(this.#lastSentAt + 1, Math.floor(unixNow))
    const fields = {
      rootCode,
      keyId: this.#network.keyId,
      sentAt: this.#lastSentAt,
      bootId: this.#bootId,
      body: encodeValue(body, DATAGRAM_LIMITS),
    }
    return packMacDatagram(fields, (authenticated) => this.#network.mac(authenticated))
  }
}

/** In an object, because the value itself may be anything. */
export function decodeOrRefuse(bytes: Uint8Array): { body: Value } | undefined {
  try {
    return { body: decodeValue(bytes, DATAGRAM_LIMITS) }
  } catch (error) {
    if (!(error instanceof InvalidPacketError)) throw error
    return undefined
  }
}
