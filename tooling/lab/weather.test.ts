import { expect, it } from 'vitest'
import { runScenario } from './run.js'
import { swarm } from './scenarios/swarm.js'
import { conditionsFrom, optionsFrom, WEATHER_OPTIONS } from './weather.js'

it('options ask for conditions, and conditions that were drawn read as options', () => {
  const options = Object.fromEntries(Object.keys(WEATHER_OPTIONS).map((name, index) => [name, index / 10]))
  expect(optionsFrom(conditionsFrom(options))).toEqual(options)
})

it('a swarm tells the weather that it drew', async () => {
  const { options } = await runScenario(swarm, { seed: '1', options: { nodes: 2, minutes: 0, loss: 0.1 } })
  expect(Object.keys(options).sort()).toEqual([...Object.keys(WEATHER_OPTIONS), 'minutes', 'nodes'].sort())
  expect(options).toMatchObject({ nodes: 2, minutes: 0, loss: 0.1 })
})
