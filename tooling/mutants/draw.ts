import { SeededRandom } from '@pc/testkit'

/** `count` elements drawn without putting back, in the order drawn. The n-th is the same for every count. */
export function draw<T>(list: readonly T[], count: number, seed: string): T[] {
  const random = new SeededRandom(seed).stream('mutants')
  const rest = [...list]
  const drawn: T[] = []
  while (drawn.length < count && rest.length > 0) {
    const index = random.integer(0, rest.length - 1)
    const [taken, last] = [rest[index] as T, rest.pop() as T]
    if (index < rest.length) rest[index] = last
    drawn.push(taken)
  }
  return drawn
}
