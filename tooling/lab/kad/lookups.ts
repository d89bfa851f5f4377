/** Lookups, one after the other, held against what somebody finds who knows everybody. */
import type { LookupReport, Position } from '@pc/kademlia'
import type { Lab } from '../lab.js'
import type { KadNetwork } from './kad-network.js'
import type { KadNode } from './kad-node.js'

export interface MeasuredLookup {
  readonly ms: number
  readonly report: LookupReport
  /** The nearest 20 that live, and nobody else, in their order. */
  readonly exact: boolean
  /** Whether the nearest of all is the first that was found. */
  readonly closest: boolean
  /** Of the nearest 20: the share that was found. */
  readonly recall: number
}

export async function measureLookup(
  lab: Lab,
  network: KadNetwork,
  node: KadNode,
  target: Position,
): Promise<MeasuredLookup> {
  const from = lab.now()
  const report = await node.kademlia.lookup(target)
  const ms = lab.now() - from
  const found = report.contacts.map(({ key }) => key)
  const expected = network.nearest(target, node)
  const known = new Set(found)
  return {
    ms,
    report,
    exact: found.length === expected.length && found.every((key, index) => key === expected[index]),
    closest: found[0] === expected[0],
    recall: expected.filter((key) => known.has(key)).length / expected.length,
  }
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

export function share<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length / items.length
}
