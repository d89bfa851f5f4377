/** A failure for people: what was violated, by what, and how to see it again. */
import { styleText } from 'node:util'
import type { Failure } from './run-cases.js'

/** Bytes of an input that are shown; the command gives all of them. */
const SHOWN = 600

export function printed(failure: Failure): string {
  const { kind, target, seed, number, what, input } = failure
  return [
    `${styleText('red', '✗')} ${kind} in ${target}, seed ${seed}, case ${number}: ${what}`,
    `    input, ${input.length} B: ${hex(input)}`,
    `    again: ${commandOf(failure)}`,
  ].join('\n')
}

/** Runs that case alone, or with those before it that it needs. */
export function commandOf({
  target,
  seed,
  number,
  from,
}: Pick<Failure, 'target' | 'seed' | 'number' | 'from'>): string {
  const before = from === number ? '' : ` --from ${from}`
  const seeded = /^[\w.-]+$/.test(seed) ? seed : JSON.stringify(seed)
  return `npm run fuzz -- --target ${target} --seed ${seeded} --case ${number}${before}`
}

export function hex(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, SHOWN)).toString('hex')
  return bytes.length > SHOWN ? `${shown}… (${bytes.length - SHOWN} more)` : shown
}
