/** Everybody this peer knows, as programs and people see them. */
import type { PeerId } from '@pc/identity'
import type { Membership } from '@pc/membership'
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
    const { membership, pins, book } = this.#parts
    const members = membership.members()
    const ids = members.map((member) => member.peer)
    return members.map((member) => viewOf(member, pins, ids, book.addressesOf(member.peer))).sort(byStateThenLabel)
  }

  byId(id: PeerId): PeerView | undefined {
    const text = id.toString()
    return this.all().find((view) => view.id === text)
  }

  /** @throws PeerError PEER_NOT_FOUND, PEER_AMBIGUOUS, both with candidates */
  find(text: string): PeerView {
    return selectPeer(this.all(), text)
  }
}
