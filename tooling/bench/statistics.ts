/** Numbers of repeated measurements: the middle, and how far they lie apart. Pure. */

/** What a list of measurements comes to. */
export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @throws RangeError for an empty list, or one with anything but finite numbers */
export function summarise(values: readonly number[]): Summary {
  return { median: percentile(values, 0.5), min: percentile(values, 0), max: percentile(values, 1) }
}

/**
 * The value below which a share of the values lies, with linear interpolation between neighbours (type 7 of Hyndman and
 * Fan, "Sample Quantiles in Statistical Packages", 1996): for an even number of values the median is the mean of the two
 * in the middle. The list is left as it is.
 * @throws RangeError for an empty list, one with anything but finite numbers, or a share outside 0 to 1
 */
export function percentile(values: ArrayLike<number>, share: number): number {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`expected a share from 0 to 1, got ${share}`)
  if (values.length === 0) throw new RangeError('expected at least one value, got none')
  const sorted = Float64Array.from(values).sort()
  for (const value of sorted) {
    if (!Number.isFinite(value)) throw new RangeError(`expected finite numbers, got ${value}`)
  }
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] as number
  const above = sorted[Math.ceil(place)] as number
  return below + (above - below) * (place - Math.floor(place))
}
