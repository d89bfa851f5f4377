/** The input of a case: a function of target, seed and number alone. */
import { SeededRandom } from '@pc/testkit'
import { mutateBytes } from './mutate/byte-mutations.js'
import { LARGE, wholeInput } from './mutate/whole-inputs.js'
import type { Target } from './target.js'

/** The longest input: a control frame with its prefix. */
const MAX_INPUT = LARGE + 4
/** Bytes up to which an input counts as small: a datagram. */
export const SMALL = 1_200

export function generate(target: Target, seeds: readonly Uint8Array[], seed: string, number: number): Uint8Array {
  const random = new SeededRandom(`${seed} ${target.name} ${number}`)
  const { shape } = target
  const one = random.pick(seeds)
  const kind = random.float()
  let bytes: Uint8Array
  if (kind < 0.5) bytes = shape.mutate(one, random) ?? mutateBytes(one, random.pick(seeds), random)
  else if (kind < 0.8) bytes = mutateBytes(one, random.pick(seeds), random)
  else if (kind < 0.88) bytes = mutateBytes(shape.mutate(one, random) ?? one, random.pick(seeds), random)
  else if (kind < 0.94) {
    const whole = wholeInput(random, LARGE - shape.around, random.float() < 0.5)
    bytes = random.float() < 0.6 ? shape.wrap(whole, random, one) : whole
  } else bytes = one
  // A copy of its own: a handler that writes into its input must not change a seed.
  return Uint8Array.from(bytes.length > MAX_INPUT ? bytes.subarray(0, MAX_INPUT) : bytes)
}
