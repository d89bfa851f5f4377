import { expect, test } from 'vitest'
import * as messaging from '../src/index.js'

test('the public door', () => {
  expect(Object.keys(messaging).sort()).toEqual(['Messaging', 'MessagingError', 'defineMessage', 'defineRequest'])
})
