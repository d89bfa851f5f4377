/**
 * The prefix tree of buckets (Maymounkov and Mazières 2002, §2.4): inner nodes part positions by their next bit, and each leaf is a bucket. It
 * begins as one leaf; which of them may be split is the table's affair. Pure.
 */
import { Bucket, type TableEntry } from './bucket.js'
import type { Contact } from './contact.js'
import { bitAt, compareDistance, headOf, type Position, withBit } from './position.js'

/** A leaf has a bucket, an inner node two children, by the next bit. */
interface Node {
  bucket: Bucket | undefined
  children: readonly [Node, Node] | undefined
}

export class BucketTree {
  readonly #root: Node

  constructor(own: Position, now: number) {
    this.#root = { bucket: new Bucket(own, 0, now), children: undefined }
  }

  bucketOf(position: Position): Bucket {
    return this.#nodeOf(position).bucket as Bucket
  }

  /** All of them, in the order of their positions. */
  buckets(): Generator<Bucket, void, undefined> {
    return leaves(this.#root)
  }

  /** Parts a bucket in two by the next bit. */
  split(bucket: Bucket): void {
    const { depth, lookedUpAt } = bucket
    const node = this.#nodeOf(bucket.prefix)
    const zero = new Bucket(withBit(bucket.prefix, depth, 0), depth + 1, lookedUpAt)
    const one = new Bucket(withBit(bucket.prefix, depth, 1), depth + 1, lookedUpAt)
    const halves = [zero, one] as const
    for (const entry of bucket.entries) halves[bitAt(entry.contact.position, depth)].entries.push(entry)
    for (const contact of bucket.waiting) halves[bitAt(contact.position, depth)].waiting.push(contact)
    const { checked } = bucket
    if (checked !== undefined) halves[bitAt(checked.contact.position, depth)].checked = checked
    node.bucket = undefined
    node.children = [
      { bucket: zero, children: undefined },
      { bucket: one, children: undefined },
    ]
  }

  /** The contacts nearest to a position, the nearest first, of the entries that are `wanted`. */
  closest(target: Position, count: number, wanted: (entry: TableEntry) => boolean): Contact[] {
    const search = { target, head: headOf(target), count, wanted, found: [], distances: [] }
    collect(this.#root, 0, search)
    return search.found
  }

  #nodeOf(position: Position): Node {
    let node = this.#root
    for (let depth = 0; node.children !== undefined; depth++) node = node.children[bitAt(position, depth)]
    return node
  }
}

interface Search {
  readonly target: Position
  /** Its first 32 bits. */
  readonly head: number
  readonly count: number
  readonly wanted: (entry: TableEntry) => boolean
  /** Nearest first. */
  readonly found: Contact[]
  /** The first 32 bits of the distance of each. */
  readonly distances: number[]
}

/** Everybody on the target's side of a branch is nearer to it than everybody on the other side. */
function collect(node: Node, depth: number, search: Search): void {
  const { target, count, wanted, found, distances } = search
  if (node.children !== undefined) {
    const side = bitAt(target, depth)
    collect(node.children[side], depth + 1, search)
    if (found.length < count) collect(node.children[side ^ 1] as Node, depth + 1, search)
    return
  }
  const from = found.length
  for (const entry of node.bucket?.entries ?? []) if (wanted(entry)) insert(search, from, entry)
  if (found.length <= count) return
  found.length = count
  distances.length = count
}

/** Few enough for an insertion to be the fastest sort. Those before `from` are nearer. */
function insert({ target, head, found, distances }: Search, from: number, { contact, head: own }: TableEntry): void {
  const distance = (own ^ head) >>> 0
  let at = found.length
  for (; at > from; at--) {
    const before = distances[at - 1] as number
    if (distance > before) break
    const other = found[at - 1] as Contact
    if (distance === before && compareDistance(target, contact.position, other.position) >= 0) break
    distances[at] = before
    found[at] = other
  }
  distances[at] = distance
  found[at] = contact
}

function* leaves(node: Node): Generator<Bucket, void, undefined> {
  if (node.bucket !== undefined) yield node.bucket
  for (const child of node.children ?? []) yield* leaves(child)
}
