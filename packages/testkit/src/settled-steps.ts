/** Event loop turns granted to callbacks that keep scheduling immediates. Node's streams need one or two. */
const MAX_SETTLE_TURNS = 1_000

/** Steps planned for one turn of the event loop: first one, then twice as many each turn up to this. */
const MAX_STEPS_PER_TURN = 64

/**
 * Calls `step` again and again until it returns false, and lets everything settle before each call: microtasks of any
 * length, ticks, and the immediates of other code.
 *
 * Before every immediate Node runs all ticks and microtasks, so many steps fit into one turn of the event loop, as that
 * many immediates: a quarter of the cost of a turn for each, and this is the hot loop of every simulation. If a step leaves
 * immediates of other code behind, the rest of the turn does nothing, and the next turn's come after those.
 */
export function settledSteps(step: () => boolean): void {
  let planned = 0
  let left = 0
  let skipping = false
  let skippedTurns = 0
  let over = false
  const plan = (): void => {
    planned = skipping ? 1 : Math.min(2 * planned || 1, MAX_STEPS_PER_TURN)
    skippedTurns = skipping ? skippedTurns + 1 : 0
    skipping = false
    left = planned
    // Only the last one keeps the process alive and is counted among its resources: so the others' can be told from ours.
    for (let index = 1; index < planned; index++) setImmediate(next).unref()
    setImmediate(next)
  }
  const next = (): void => {
    if (over) return
    left--
    if (!skipping) {
      if (skippedTurns < MAX_SETTLE_TURNS && othersWait(left > 0 ? 1 : 0)) skipping = true
      else if (!step()) {
        over = true
        return
      }
    }
    if (left === 0) plan()
  }
  plan()
}

/** Whether more immediates than ours are waiting. */
function othersWait(ours: number): boolean {
  let count = 0
  for (const resource of process.getActiveResourcesInfo()) if (resource === 'Immediate') count++
  return count > ours
}
