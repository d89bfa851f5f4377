import { expect, it } from 'vitest'
import * as membership from './index.js'

it('exports what users need and nothing else', () => {
  expect(Object.keys(membership).sort()).toEqual([
    'Membership',
    'MembershipError',
    'MembershipState',
    'firstIncarnation',
    'verifyStatement',
  ])
})
