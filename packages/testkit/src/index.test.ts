import { expect, it } from 'vitest'
import * as testkit from './index.js'

it('exports what users need and nothing else', () => {
  expect(Object.keys(testkit).sort()).toEqual([
    'OFFICE_CONDITIONS',
    'SeededRandom',
    'SimulatedNetwork',
    'SimulatedStore',
    'TestkitError',
    'Trace',
    'VirtualClock',
    'createTestLogger',
    'ed25519KeyPair',
  ])
})
