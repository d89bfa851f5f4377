/** What nodes answer that want others not to find what there is: they know each other, hide values, and take what they are given away. */
import { type Contact, compareDistance, contactOf } from '@pc/kademlia'
import type { SeededRandom } from '@pc/testkit'
import type { Value } from '@pc/wire'

/** Numbers of requests (docs/protocol.md §16a). */
const [PING, FIND_NODE, GET, STORE, GET_LIST, ADD_TO_LIST, LEAVE_LIST] = [0, 1, 2, 3, 4, 5, 6]
const NAMED = 20
const INVENTED = 1_000
const TOKEN_BYTES = 8

export class KadLiars {
  readonly #contacts: Contact[] = []
  readonly #nobody: Contact[] = []
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  add(contact: Contact): void {
    this.#contacts.push(contact)
  }

  /** `inventing`: names ids that nobody has, the nearest to what is looked for, at the addresses of liars, instead of liars. */
  answer(request: Value, inventing: boolean): Value {
    const [type, target] = Array.isArray(request) ? request : []
    const named = (): Value => {
      if (!(target instanceof Uint8Array)) return []
      return nearest(inventing ? this.#invented() : this.#contacts, target)
    }
    switch (type) {
      case PING:
        return []
      case FIND_NODE:
        return [named()]
      case GET:
        return [null, this.#random.bytes(TOKEN_BYTES), named()]
      case STORE:
        return [0, null]
      case GET_LIST:
        return [[], null]
      case ADD_TO_LIST:
      case LEAVE_LIST:
        return [0]
      default:
        return [null, named()]
    }
  }

  /** Made once: ids as dense as those of a thousand peers. */
  #invented(): readonly Contact[] {
    while (this.#nobody.length < INVENTED) {
      const { address } = this.#random.pick(this.#contacts)
      this.#nobody.push(contactOf(this.#random.bytes(32), address))
    }
    return this.#nobody
  }
}

function nearest(contacts: readonly Contact[], target: Uint8Array): Value {
  const sorted = contacts.toSorted((a, b) => compareDistance(target, a.position, b.position))
  return sorted.slice(0, NAMED).map(packed)
}

function packed({ id, address }: Pick<Contact, 'id' | 'address'>): Uint8Array {
  return Buffer.from([...id, address.port >> 8, address.port & 0xff, ...address.host.split('.').map(Number)])
}
