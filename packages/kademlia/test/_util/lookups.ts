import { type Contact, keyOf } from '../../src/contact.js'
import type { Lookup } from '../../src/lookup.js'

/** What is looked for in these tests: 0. So a position is a distance. */
export const TARGET: Uint8Array = new Uint8Array(32)

/** The contact of that distance, 1 to 65535, at a host of its own or at that one. */
export function at(distance: number, host = `10.0.${distance >> 8}.${distance & 0xff}`): Contact {
  const id = new Uint8Array(32)
  id[0] = distance >> 8
  id[1] = distance & 0xff
  return { id, address: { host, port: 3485 }, position: id, key: keyOf(id) }
}

export function distanceOf({ position }: Contact): number {
  return ((position[0] ?? 0) << 8) | (position[1] ?? 0)
}

/** Contacts of these distances. */
export function each(...distances: number[]): Contact[] {
  return distances.map((distance) => at(distance))
}

/** Contacts from one distance to another. */
export function range(from: number, to: number): Contact[] {
  return each(...Array.from({ length: to - from + 1 }, (_, index) => from + index))
}

/** Everything there is to do at that time: distances of those to be asked, then until when to wait, or that it is done. */
export function steps(lookup: Lookup, now = 0): (number | string)[] {
  const all: (number | string)[] = []
  for (;;) {
    const step = lookup.next(now)
    if (step.type === 'ask') all.push(distanceOf(step.contact))
    else return [...all, step.type === 'wait' ? `until ${step.until}` : 'done']
  }
}
