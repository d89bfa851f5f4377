/** Where simulated machines live: all in 10.0.0.0/8, so that a move stays in the same network. */

/** The address of a machine at its `move`th place in the network. */
export function addressOf(index: number, move: number): string {
  const place = index + 1
  return `10.${move % 200}.${Math.floor(place / 250)}.${(place % 250) + 1}`
}
