/** Counts what one host gets from another and what it answers, as nft(8) wants to be told. Pure. */

/** Datagrams with their IP headers, alike in both. Dials that a hint leads to are TCP's and not among them. */
export interface Meter {
  /** From the other host. */
  readonly in: { readonly packets: number; readonly bytes: number }
  /** To the other host, and handshake datagrams to anybody: answers that a forged source has drawn go there. */
  readonly out: { readonly packets: number; readonly bytes: number }
}

/** `meter` is a word of nft's own. */
export const METER_TABLE = 'gauge'

/** Counts from zero. `host` and `other` are ports of the bridge. */
export function meterRules(host: string, other: string): string {
  return [
    `add table bridge ${METER_TABLE}`,
    `delete table bridge ${METER_TABLE}`,
    `add table bridge ${METER_TABLE}`,
    `add counter bridge ${METER_TABLE} came`,
    `add counter bridge ${METER_TABLE} went`,
    `add chain bridge ${METER_TABLE} forward { type filter hook forward priority -10; policy accept; }`,
    `add rule bridge ${METER_TABLE} forward iifname "${other}" oifname "${host}" ip protocol udp counter name came`,
    `add rule bridge ${METER_TABLE} forward iifname "${host}" oifname "${other}" ip daddr != 224.0.0.0/4 ip protocol udp counter name went`,
    // Root code 0x03, version 1, protection 3: the first bytes behind the eight of the UDP header.
    `add rule bridge ${METER_TABLE} forward iifname "${host}" oifname != "${other}" ip protocol udp @th,64,16 0x0313 counter name went`,
    '',
  ].join('\n')
}

/** What `nft -j list counters table bridge gauge` prints. */
export function readMeter(json: string): Meter {
  const { nftables } = JSON.parse(json) as {
    nftables: { counter?: { name: string; packets: number; bytes: number } }[]
  }
  const of = (name: string): Meter['in'] => {
    const counter = nftables.find((one) => one.counter?.name === name)?.counter
    return { packets: counter?.packets ?? 0, bytes: counter?.bytes ?? 0 }
  }
  return { in: of('came'), out: of('went') }
}

/** Bytes sent for each byte received; 0 when nothing came. */
export function answeredShare(meter: Meter): number {
  return meter.in.bytes === 0 ? 0 : meter.out.bytes / meter.in.bytes
}
