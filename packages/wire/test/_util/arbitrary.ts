import type { Message, Value } from '@pc/wire'
import fc from 'fast-check'

// A leading U+FEFF is what decoders like to take away.
const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 80 }).map((rest) => `\ufeff${rest}`) },
)

const key = text.filter((name) => name !== '__proto__')

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.integer(),
  fc.integer({ min: -300, max: 300 }),
  // Whole numbers beyond 2^53 cannot be told from integers that lost their precision, so they are refused.
  fc.double().filter((number) => !Number.isInteger(number) || Number.isSafeInteger(number)),
  text,
  fc.uint8Array({ maxLength: 300 }),
)

/** Anything that can be sent, within the limits of streams. */
export const anyValue: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 40 }),
    fc.dictionary(key, tie('value'), { maxKeys: 20 }),
  ),
})).value

/** As often as not a body without members, which has ways of its own; as most messages have. */
export const anyMessage: fc.Arbitrary<Message> = fc.record({
  header: fc.oneof(
    { weight: 4, arbitrary: fc.stringMatching(/^[a-z/-]{1,64}$/) },
    { weight: 1, arbitrary: fc.stringMatching(/^[ -~é€]{1,21}$/) },
  ),
  id: fc.oneof(fc.maxSafeNat(), fc.nat({ max: 300 }), fc.uint8Array({ minLength: 1, maxLength: 32 })),
  version: fc.constant(1),
  body: fc.oneof(leaf, anyValue),
  peerId: fc.option(fc.uint8Array({ minLength: 32, maxLength: 32 })),
})

/** Encoded values with a few bytes changed, put in, taken out, cut off or appended. */
export function mutated(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const edit = fc.tuple(fc.nat(), fc.nat({ max: 2 }), fc.uint8Array({ minLength: 1, maxLength: 4 }))
  return fc.tuple(bytes, fc.array(edit, { minLength: 1, maxLength: 4 })).map(([original, edits]) => {
    const list = Array.from(original)
    for (const [place, kind, put] of edits) {
      const index = place % (list.length + 1)
      list.splice(index, kind === 0 ? put.length : kind, ...(kind === 2 ? [] : put))
    }
    return Uint8Array.from(list)
  })
}
