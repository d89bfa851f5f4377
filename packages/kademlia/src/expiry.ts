/**
 * What ends when: a binary heap whose slots know their place, so that one can be moved or taken out in O(log n). Nothing taken out stays
 * behind until its time: a store that evicts all the time keeps its size. Not bounded by itself: as large as what it is about.
 */

/** Where an item stands. Change it by {@link Expiry} alone. */
export interface Slot<Item> {
  readonly item: Item
  /** In ms. */
  at: number
  index: number
}

export class Expiry<Item> {
  readonly #heap: Slot<Item>[] = []

  get size(): number {
    return this.#heap.length
  }

  /** The earliest time of all; infinite when there is none. */
  get nextAt(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  add(item: Item, at: number): Slot<Item> {
    const slot = { item, at, index: this.#heap.length }
    this.#heap.push(slot)
    this.#up(slot)
    return slot
  }

  move(slot: Slot<Item>, at: number): void {
    const later = at > slot.at
    slot.at = at
    if (later) this.#down(slot)
    else this.#up(slot)
  }

  remove(slot: Slot<Item>): void {
    const last = this.#heap.pop()
    if (last === undefined || last === slot) return
    last.index = slot.index
    this.#heap[last.index] = last
    this.#up(last)
    this.#down(last)
  }

  /** The earliest of those whose time has come; it stays where it is until it is moved or taken out. */
  due(now: number): Slot<Item> | undefined {
    const first = this.#heap[0]
    return first !== undefined && first.at <= now ? first : undefined
  }

  #up(slot: Slot<Item>): void {
    let { index } = slot
    while (index > 0) {
      const parent = this.#heap[(index - 1) >> 1]
      if (parent === undefined || parent.at <= slot.at) break
      this.#put(parent, index)
      index = (index - 1) >> 1
    }
    this.#put(slot, index)
  }

  #down(slot: Slot<Item>): void {
    let { index } = slot
    for (;;) {
      const left = this.#heap[2 * index + 1]
      const right = this.#heap[2 * index + 2]
      const child = right !== undefined && left !== undefined && right.at < left.at ? right : left
      if (child === undefined || child.at >= slot.at) break
      const below = child.index
      this.#put(child, index)
      index = below
    }
    this.#put(slot, index)
  }

  #put(slot: Slot<Item>, index: number): void {
    slot.index = index
    this.#heap[index] = slot
  }
}
