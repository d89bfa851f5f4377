/** The worst days of connections, each a part of its own: C1 to C7, as docs/testing.md lists them. Packets are lost in C1 alone. */
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'
import { simultaneousDials } from './connections/c1-simultaneous-dials.js'
import { slowSenders } from './connections/c2-slow-senders.js'
import { powerOff } from './connections/c3-power-off.js'
import { connectFlood } from './connections/c4-connect-flood.js'
import { stalledReceivers } from './connections/c5-stalled-receivers.js'
import { drain } from './connections/c6-drain.js'
import { frameFuzz } from './connections/c7-frame-fuzz.js'

const PARTS: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  c1: simultaneousDials,
  c2: slowSenders,
  c3: powerOff,
  c4: connectFlood,
  c5: stalledReceivers,
  c6: drain,
  c7: frameFuzz,
}

export const connections: Scenario = {
  kind: 'scenario',
  name: 'connections',
  summary: 'simultaneous dials, slow and silent senders, power cuts, floods, stalled receivers, drains, broken frames',
  options: {
    ...WEATHER_OPTIONS,
    parts: { help: 'which of them, by name', text: true, default: Object.keys(PARTS).join(',') },
    pairs: { help: 'c1: pairs that dial each other at once', min: 1, max: 5_000, whole: true, default: 1_000 },
    offs: { help: 'c3: power cuts of each kind', min: 1, max: 1_000, whole: true, default: 40 },
    connects: { help: 'c4: dials from one address in 10 s', min: 10, max: 100_000, whole: true, default: 10_000 },
    stalled: { help: 'c5: receivers of each kind that do not read', min: 2, max: 50, whole: true, default: 12 },
    rate: { help: 'c6: requests a second', min: 10, max: 10_000, default: 1_000 },
    cases: { help: 'c7: conversations that break the rules', min: 100, max: 1_000_000, whole: true, default: 5_000 },
  },
  run: async (lab: Lab) => {
    const { loss } = lab.network.conditions
    for (const name of lab.text('parts').split(',')) {
      const part = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined
      if (part === undefined)
        throw new Error(`--parts: expected some of ${Object.keys(PARTS).join(',')}, got ${JSON.stringify(name)}.`)
      lab.note(name)
      // What the others measure would be about retransmissions, not about connections.
      lab.network.change({ loss: name === 'c1' ? loss : 0 })
      await part(lab)
    }
  },
}
