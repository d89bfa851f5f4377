import { createIdentity, openNetwork, signPeerRecord } from '@pc/identity'
import { decodeValue, encodeValue, type Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TransportError } from './errors.js'
import { closeCodeOfHelloError, type Hello, helloBody, readHello } from './hello.js'

const identity = createIdentity(new Uint8Array(32).fill(1))
const network = openNetwork('test').keyId
const expected = { remoteId: identity.id, network, version: [1, 1] as const }
const hello: Hello = {
  version: [1, 1],
  boot: new Uint8Array(8).fill(7),
  kind: 'bulk',
  record: signPeerRecord(identity, {
    sequence: 3,
    name: 'anna',
    addresses: [{ host: '10.0.0.1', port: 3485 }],
    capabilities: [],
  }),
  features: ['a', 'b'],
  network,
}
const body = helloBody(hello) as { [key: string]: Value }

function codeOf(value: Value, expectation: Parameters<typeof readHello>[1] = expected): string {
  try {
    readHello(value, expectation)
  } catch (error) {
    return error instanceof TransportError ? error.code : `${error}`
  }
  return 'fine'
}

test('comes back as it was, over the wire, with bytes of its own', () => {
  const bytes = encodeValue(body)
  const read = readHello(decodeValue(bytes), expected)
  bytes.fill(0)
  expect(read).toMatchObject({ version: [1, 1], kind: 'bulk', features: ['a', 'b'], network })
  expect(read.boot).toEqual(hello.boot)
  expect(read.record.bytes).toEqual(hello.record.bytes)
})

describe('is refused', () => {
  const cases: [string, { [key: string]: Value }, string][] = [
    ['another network', { network: network ^ 1 }, 'OTHER_NETWORK'],
    ['a later version', { version: [2, 3] }, 'VERSION_MISMATCH'],
    ['65 features', { features: Array.from({ length: 65 }, () => 'x') }, 'BAD_HELLO'],
    ['a long feature', { features: ['x'.repeat(65)] }, 'BAD_HELLO'],
    ['a network of 33 bits', { network: 2 ** 32 }, 'BAD_HELLO'],
    ['no boot id', { boot: null }, 'BAD_HELLO'],
    ['a version that is no pair', { version: [1] }, 'BAD_HELLO'],
    ['a record of other bytes', { record: new Uint8Array(50) }, 'BAD_HELLO'],
  ]
  for (const [name, changes, code] of cases) {
    test(`with ${name}: ${code}`, () => expect(codeOf({ ...body, ...changes })).toBe(code))
  }

  test('with the record of somebody else than was proved', () => {
    const other = createIdentity(new Uint8Array(32).fill(2)).id
    expect(codeOf(body, { ...expected, remoteId: other })).toBe('BAD_HELLO')
  })

  test('an older range that overlaps is fine', () => {
    expect(codeOf({ ...body, version: [0, 1] })).toBe('fine')
    expect(codeOf({ ...body, version: [1, 99] })).toBe('fine')
    expect(codeOf({ ...body, version: [0, 0] })).toBe('VERSION_MISMATCH')
  })
})

test('anything at all is either fine or refused with a code of this package', () => {
  const scalar = fc.oneof(fc.constant(null), fc.boolean(), fc.integer(), fc.double(), fc.string(), fc.uint8Array())
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      scalar as fc.Arbitrary<Value>,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(body)), value, (member, replacement) => {
      expect(['fine', 'BAD_HELLO', 'OTHER_NETWORK', 'VERSION_MISMATCH']).toContain(
        codeOf({ ...body, [member]: replacement }),
      )
      expect(['BAD_HELLO', 'OTHER_NETWORK', 'VERSION_MISMATCH']).toContain(codeOf(replacement))
    }),
    { numRuns: 500 },
  )
})

test('the code to close with', () => {
  const codes = (['OTHER_NETWORK', 'VERSION_MISMATCH', 'HELLO_TIMEOUT', 'BAD_HELLO'] as const).map((code) =>
    closeCodeOfHelloError(new TransportError(code, '')),
  )
  expect(codes).toEqual(['OTHER_NETWORK', 'VERSION_MISMATCH', 'HELLO_TIMEOUT', 'PROTOCOL_ERROR'])
  expect(closeCodeOfHelloError(new Error('x'))).toBe('PROTOCOL_ERROR')
})
