/** What a bridge lets through, as nft(8) wants to be told. Pure. */

export interface Weather {
  /** Ports from which nothing reaches another port. */
  readonly cuts: readonly (readonly [from: string, to: string])[]
  /** Share of unicast IP packets that get lost, 0 to 1. ARP is spared: it is the only thing here that a real switch seldom loses. */
  readonly loss: number
  /** The same for multicast and broadcast. */
  readonly multicastLoss: number
  /** As an access point that isolates its clients: no IP multicast but IPv6's own neighbour discovery. */
  readonly multicastBlocked: boolean
  /** IPv4 broadcast as well. */
  readonly broadcastBlocked: boolean
}

export const CLEAR: Weather = {
  cuts: [],
  loss: 0,
  multicastLoss: 0,
  multicastBlocked: false,
  broadcastBlocked: false,
}

/** Packets dropped, by cause; and those let through that are longer than a frame may be, which would make one loss a burst. */
export const COUNTERS = ['cut', 'lost', 'multicast_lost', 'blocked', 'oversized'] as const
export type Counter = (typeof COUNTERS)[number]

const TABLE = 'weather'
/** Chance is drawn as an integer below this. */
const RESOLUTION = 10_000
const UNICAST = 'ether daddr & 01:00:00:00:00:00 == 00:00:00:00:00:00'
const MULTICAST = 'ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00'

/** Replaces all rules in one step; the counters go on. Every copy of a flooded frame passes by itself, once per port it leaves by. */
export function ruleset(weather: Weather): string {
  const rules = [
    'meta length > 1500 counter name oversized',
    ...weather.cuts.map(([from, to]) => `iifname "${from}" oifname "${to}" counter name cut drop`),
    ...(weather.multicastBlocked
      ? [
          'ip daddr 224.0.0.0/4 counter name blocked drop',
          'ip6 daddr ff00::/8 meta l4proto != icmpv6 counter name blocked drop',
        ]
      : []),
    ...(weather.broadcastBlocked ? ['ether daddr ff:ff:ff:ff:ff:ff meta protocol ip counter name blocked drop'] : []),
    ...lossRule(UNICAST, weather.loss, 'lost'),
    ...lossRule(MULTICAST, weather.multicastLoss, 'multicast_lost'),
  ]
  return [
    `add table bridge ${TABLE}`,
    ...COUNTERS.map((counter) => `add counter bridge ${TABLE} ${counter}`),
    `add chain bridge ${TABLE} forward { type filter hook forward priority 0; policy accept; }`,
    `flush chain bridge ${TABLE} forward`,
    ...rules.map((rule) => `add rule bridge ${TABLE} forward ${rule}`),
    '',
  ].join('\n')
}

function lossRule(who: string, share: number, counter: Counter): string[] {
  if (share === 0) return []
  const below = Math.round(share * RESOLUTION)
  return [`${who} meta protocol { ip, ip6 } numgen random mod ${RESOLUTION} < ${below} counter name ${counter} drop`]
}
