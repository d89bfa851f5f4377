/** What a store holds in the order of its distance from one position, nearest first: whom to evict is read off its end. */
import { compareDistance, type Position } from './position.js'

interface Keyed {
  readonly record: { readonly key: Position; readonly bytes: Uint8Array }
}

export class NearestFirst<Item extends Keyed> {
  readonly #position: Position
  readonly #items: Item[] = []

  constructor(position: Position) {
    this.#position = position
  }

  add(item: Item): void {
    this.#items.splice(this.#placeOf(item.record.key), 0, item)
  }

  /** The item is there. */
  remove(item: Item): void {
    this.#items.splice(this.#placeOf(item.record.key), 1)
  }

  /**
   * The fewest of the farthest that make room for so many items and bytes, all of them farther than `key`. Undefined when they are too few.
   */
  victims(key: Position, items: number, bytes: number): Item[] | undefined {
    const victims: Item[] = []
    let left = bytes
    while (left > 0 || victims.length < items) {
      const victim = this.#items[this.#items.length - 1 - victims.length]
      if (victim === undefined || compareDistance(this.#position, victim.record.key, key) <= 0) return undefined
      victims.push(victim)
      left -= victim.record.bytes.length
    }
    return victims
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.#items.values()
  }

  /** Where the item of that key is, or would be. */
  #placeOf(key: Position): number {
    let [low, high] = [0, this.#items.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#items[middle]
      if (other !== undefined && compareDistance(this.#position, other.record.key, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
