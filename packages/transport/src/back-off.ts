import type { Random } from './ports.js'

/** The first pause is shorter than this; every further one may be twice as long. */
const BASE_MS = 250
/** No pause is longer. */
const MAX_MS = 30_000

/**
 * How long to wait before try number `failures` + 1: anything between nothing and a ceiling that doubles ("full jitter"), so that
 * peers that lost something together do not come back together.
 */
export function backOff(failures: number, random: Random): number {
  return random.float() * Math.min(MAX_MS, BASE_MS * 2 ** Math.max(0, failures - 1))
}
