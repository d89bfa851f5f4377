/** Event loop turns granted to callbacks that keep scheduling immediates. Node's streams need one or two. */
const MAX_SETTLE_TURNS = 1_000

/** Steps planned for one turn of the event loop: first one, then twice as many each turn up to this. */
const MAX_STEPS_PER_TURN = 64

/** Node chains the immediates of a turn. Undocumented, and much cheaper than the documented way to see whether any wait. */
type Chained = NodeJS.Immediate & { readonly _idleNext?: object | null; readonly _idlePrev?: object | null }

const CHAINED = areChained()

/**
 * Calls `step` again and again until it returns false, and lets everything settle before each call: microtasks of any
 * length, ticks, and the immediates of other code.
 *
 * Before every immediate Node runs all ticks and microtasks, so many steps fit into one turn of the event loop, as that
 * many immediates: a quarter of the cost of a turn for each, and this is the hot loop of every simulation. If a step leaves
 * immediates of other code behind, the rest of the turn does nothing, and the next turn's come after those.
 *
 * @param chained whether to look at the chain of immediates, or to count them as documented
 */
export function settledSteps(step: () => boolean, chained: boolean = CHAINED): void {
  let planned = 0
  let left = 0
  let skipping = false
  let skippedTurns = 0
  let over = false
  /** The last of this turn's. */
  let last: Chained
  /** Stands in the next turn from the start of this one, does nothing, and shows who else comes to stand there. */
  let marker: Chained
  const plan = (): void => {
    planned = skipping ? 1 : Math.min(2 * planned || 1, MAX_STEPS_PER_TURN)
    skippedTurns = skipping ? skippedTurns + 1 : 0
    skipping = false
    left = planned
    // Only the last one keeps the process alive and is counted among its resources: so the others' can be told from ours.
    for (let index = 1; index < planned; index++) setImmediate(next).unref()
    last = setImmediate(next)
  }
  const next = (): void => {
    if (over) return
    if (left === planned) marker = setImmediate(nothing).unref()
    left--
    if (!skipping) {
      if (skippedTurns < MAX_SETTLE_TURNS && othersWait()) skipping = true
      else if (!step()) {
        over = true
        return
      }
    }
    if (left === 0) plan()
  }
  const othersWait = (): boolean => {
    if (!chained) return countImmediates() > (left > 0 ? 1 : 0)
    return marker._idleNext != null || marker._idlePrev != null || last._idleNext != null
  }
  plan()
}

function countImmediates(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'Immediate').length
}

function areChained(): boolean {
  const [first, second] = [setImmediate(nothing) as Chained, setImmediate(nothing) as Chained]
  const chained = first._idleNext === second && second._idlePrev === first && second._idleNext === null
  clearImmediate(first)
  clearImmediate(second)
  return chained
}

function nothing(): void {}
