/** Everybody this peer knows, as programs and people see them. */
import type { PeerId } from '@pc/identity'
import type { Member, Membership } from '@pc/membership'
import type { PeerBook } from '@pc/transport'
import type { NamePins } from './names.js'
import { selectPeer } from './select.js'
import { byStateThenLabel, type PeerView, viewOf } from './view.js'

export interface DirectoryParts {
  readonly membership: Membership
  readonly pins: NamePins
  readonly book: PeerBook
}

export class Directory {
  readonly #parts: DirectoryParts

  constructor(parts: DirectoryParts) {
    this.#parts = parts
  }

  /** Online first, then by label. */
  all(): PeerView[] {
    const members = this.#parts.membership.members()
    const ids = members.map((member) => member.peer)
    return members.map((member) => this.#view(member, ids)).sort(byStateThenLabel)
  }

  byId(id: PeerId): PeerView | undefined {
    const members = this.#parts.membership.members()
    const found = members.find((member) => member.peer.equals(id))
    if (found === undefined) return undefined
    return this.#view(
      found,
      members.map((member) => member.peer),
    )
  }

  /** @throws PeerError PEER_NOT_FOUND, PEER_AMBIGUOUS, both with candidates */
  find(text: string): PeerView {
    return selectPeer(this.all(), text)
  }

  #view(member: Member, rivals: readonly PeerId[]): PeerView {
    const { pins, book } = this.#parts
    return viewOf(member, pins, rivals, book.addressesOf(member.peer))
  }
}
