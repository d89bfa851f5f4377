/** A child process of {@link runRange}: plays the seeds it is sent, one at a time, and ends when its parent does. */
import { ENTRIES } from './entries.js'
import type { WorkOrder } from './range.js'
import { runScenario } from './run.js'

process.on('message', (order: WorkOrder) => {
  const scenario = ENTRIES.find(({ name }) => name === order.name)
  if (scenario?.kind !== 'scenario') throw new Error(`no scenario ${order.name}`)
  void runScenario(scenario, { seed: order.seed, options: order.values }).then((result) => process.send?.(result))
})
