/** What the network is like unless a scenario or an option says otherwise. Printed with every run. */
import type { NetworkConditions } from '@pc/testkit'
import type { OptionSpecs, OptionValues } from './options.js'

export const DEFAULT_WEATHER = {
  /** One-way delay: this, and an exponential part of the mean below, in ms. */
  delayMs: 0.3,
  jitterMs: 0.7,
  loss: 0,
  duplication: 0,
  reordering: 0,
  /** What each datagram costs its receiver: 10 µs. */
  hostTimeMs: 0.01,
  /** What a handshake costs each end: two signature checks of 70 µs, two Diffie-Hellman of 35 µs. */
  handshakeHostMs: 0.21,
} as const satisfies Partial<NetworkConditions>

/** Every scenario on the network has them. */
export const WEATHER_OPTIONS: OptionSpecs = {
  loss: { help: 'share of unicast packets lost, also of streams, which send again', min: 0, max: 0.6 },
  'multicast-loss': { help: 'share of multicast packets lost', min: 0, max: 1 },
  delay: { help: 'fixed part of the one-way delay, ms', min: 0, max: 1_000 },
  jitter: { help: 'mean of the exponential part of the one-way delay, ms', min: 0, max: 1_000 },
  duplication: { help: 'share of datagrams that arrive twice', min: 0, max: 1 },
  reordering: { help: 'share of datagrams that are held back', min: 0, max: 1 },
}

const CONDITION_OF: Readonly<Record<string, keyof NetworkConditions>> = {
  loss: 'loss',
  'multicast-loss': 'multicastLoss',
  delay: 'delayMs',
  jitter: 'jitterMs',
  duplication: 'duplication',
  reordering: 'reordering',
}

/** Options that would ask for these conditions: for showing what was drawn. */
export function optionsFrom(conditions: Partial<NetworkConditions>): Readonly<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const [option, name] of Object.entries(CONDITION_OF)) {
    const value = conditions[name]
    if (value !== undefined) found[option] = value
  }
  return found
}

/** The conditions that options ask for, and nothing else. */
export function conditionsFrom(values: OptionValues): Partial<NetworkConditions> {
  const conditions: Partial<Record<keyof NetworkConditions, number>> = {}
  for (const [option, name] of Object.entries(CONDITION_OF)) {
    const value = values[option]
    if (typeof value === 'number') conditions[name] = value
  }
  return conditions as Partial<NetworkConditions>
}

/** In words, on one line. */
export function describeWeather(conditions: Partial<NetworkConditions>): string {
  const { delayMs, jitterMs, loss = 0, hostTimeMs, multicastLoss = loss } = conditions
  return (
    `one-way delay ${delayMs} ms + exponential mean ${jitterMs} ms; loss ${percent(loss)} (streams: a retransmission timeout each), ` +
    `multicast loss ${percent(multicastLoss)}; duplication ${percent(conditions.duplication ?? 0)}, ` +
    `reordering ${percent(conditions.reordering ?? 0)}; a datagram costs its receiver ${(hostTimeMs ?? 0) * 1_000} µs, ` +
    'a signature check 70 µs, a Diffie-Hellman 35 µs; a request has 1 s; ids of streams are proved by the simulation (TLS is below the seam)'
  )
}

function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`
}
