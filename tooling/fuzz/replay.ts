/** One case again, with everything there is to say about it. */
import { generate, SMALL } from './generate.js'
import { allocationBound, CONVERSATION_BAR_US, LARGE_BAR_US, SMALL_BAR_US } from './measure.js'
import type { FuzzOptions } from './options.js'
import { hex, printed } from './shown.js'
import { CaseProcess } from './supervisor.js'
import type { Target } from './target.js'

export async function replay({ seed, replay: wanted, json }: FuzzOptions, targets: readonly Target[]): Promise<number> {
  const [target] = targets
  if (target === undefined || wanted === undefined) return 2
  const { from, number } = wanted
  const say = json ? console.error : console.log
  const input = generate(target, await target.seeds(), seed, number)
  say(`${target.name}, seed ${seed}, case ${number}: ${input.length} B\n  ${hex(input)}`)
  const process = new CaseProcess()
  try {
    const outcome = await process.run({ target: target.name, seed, from, to: number + 1 })
    if ('kind' in outcome) {
      const { kind, what } = outcome
      say(printed({ kind, what, target: target.name, seed, from, number: outcome.number ?? number, input }))
      return report(false)
    }
    for (const failure of outcome.failures) say(printed(failure))
    const us = [...outcome.small, ...outcome.large].at(-1)
    const smallBar = target.conversation ? CONVERSATION_BAR_US : SMALL_BAR_US
    const bar = input.length <= SMALL ? smallBar : LARGE_BAR_US
    if (us !== undefined)
      say(`  ${us.toFixed(1)} µs in a process that has just begun (the bar, for 99.9 % of all inputs, is ${bar} µs)`)
    say(
      `  may allocate ${allocationBound(input.length)} B; ${outcome.accepted} of ${outcome.cases} inputs were accepted`,
    )
    if (outcome.failures.length === 0) say('  nothing is wrong with it')
    return report(outcome.failures.length === 0)
  } finally {
    process.close()
  }

  function report(pass: boolean): number {
    if (json)
      console.log(
        JSON.stringify({
          scenario: 'fuzz',
          seed,
          options: { target: target?.name, case: number, from },
          pass,
          figures: {},
        }),
      )
    return pass ? 0 : 1
  }
}
