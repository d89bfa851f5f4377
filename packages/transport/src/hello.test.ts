import { createIdentity, openNetwork, signPeerRecord } from '@pc/identity'
import { decodeValue, encodeValue, type Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TransportError } from './errors.js'
import { closeCodeOfHelloError, type Hello, helloBody, readHello, sameBoot } from './hello.js'

const identity = createIdentity(new Uint8Array(32).fill(1))
const network = openNetwork('test').keyId
const expected = { remoteId: identity.id, network, isProved: undefined, version: [1, 1] as const }
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
  pair: 5,
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

test('a record that is known to the byte is not checked again; any other one is', () => {
  const known = hello.record
  const read = readHello(decodeValue(encodeValue(body)), { ...expected, known })
  expect(read.record).toBe(known)
  const forged = Uint8Array.from(known.bytes)
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
  expect(codeOf({ ...body, record: forged }, { ...expected, known })).toBe('BAD_HELLO')
  const stranger = createIdentity(new Uint8Array(32).fill(2)).id
  expect(codeOf(body, { ...expected, remoteId: stranger, known })).toBe('BAD_HELLO')
})

test('comes back as it was, over the wire, with bytes of its own', () => {
  const bytes = encodeValue(body)
  const read = readHello(decodeValue(bytes), expected)
  bytes.fill(0)
  expect(read).toMatchObject({ version: [1, 1], kind: 'bulk', features: ['a', 'b'], network, pair: 5 })
  expect(read.boot).toEqual(hello.boot)
  expect(read.record.bytes).toEqual(hello.record.bytes)
})

test('without the number of a pair means 0', () => {
  const { pair: _, ...older } = body
  expect(readHello(older, expected).pair).toBe(0)
})

describe('is refused', () => {
  const cases: [string, { [key: string]: Value }, string][] = [
    ['another network', { network: network ^ 1 }, 'OTHER_NETWORK'],
    ['a later version', { version: [2, 3] }, 'VERSION_MISMATCH'],
    ['65 features', { features: Array.from({ length: 65 }, () => 'x') }, 'BAD_HELLO'],
    ['a long feature', { features: ['x'.repeat(65)] }, 'BAD_HELLO'],
    ['a network of 33 bits', { network: 2 ** 32 }, 'BAD_HELLO'],
    ['a negative pair', { pair: -1 }, 'BAD_HELLO'],
    ['a pair that is no number', { pair: null }, 'BAD_HELLO'],
    ['a network that is negative', { network: -1 }, 'BAD_HELLO'],
    ['a network of the last 32-bit number', { network: 2 ** 32 - 1 }, 'OTHER_NETWORK'],
    ['no boot id', { boot: null }, 'BAD_HELLO'],
    ['a boot id of 7 bytes', { boot: new Uint8Array(7) }, 'BAD_HELLO'],
    ['a boot id of 9 bytes', { boot: new Uint8Array(9) }, 'BAD_HELLO'],
    ['a version that is no pair', { version: [1] }, 'BAD_HELLO'],
    ['a version of three numbers', { version: [1, 1, 1] }, 'BAD_HELLO'],
    ['a version whose lowest is above its highest', { version: [2, 1] }, 'BAD_HELLO'],
    ['a version that is a fraction', { version: [0.5, 1] }, 'BAD_HELLO'],
    ['a version up to a fraction', { version: [1, 1.5] }, 'BAD_HELLO'],
    ['64 features of 64 letters', { features: Array.from({ length: 64 }, () => 'x'.repeat(64)) }, 'fine'],
    ['a feature that is no text', { features: [1] }, 'BAD_HELLO'],
    ['features that are no list', { features: 'x' }, 'BAD_HELLO'],
    ['another kind', { kind: 'other' }, 'BAD_HELLO'],
    ['a record that is no bytes', { record: 'x' }, 'BAD_HELLO'],
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

describe('on a network with a secret', () => {
  const proof = new Uint8Array(32).fill(9)
  const isProved = (boot: Uint8Array, got: Uint8Array): boolean =>
    Buffer.compare(boot, hello.boot) === 0 && Buffer.compare(got, proof) === 0
  const proved = { ...expected, isProved }

  test('the proof is said, checked against the boot id, and left out of what was read', () => {
    const said = helloBody({ ...hello, proof }) as { [key: string]: Value }
    expect(said).toEqual({ ...body, proof })
    expect(readHello(decodeValue(encodeValue(said)), proved)).not.toHaveProperty('proof')
    expect(codeOf({ ...said, boot: new Uint8Array(8) }, proved)).toBe('OTHER_NETWORK')
  })

  test.each<[string, Value | undefined]>([
    ['missing', undefined],
    ['nil', null],
    ['a text', 'x'],
    ['another one', new Uint8Array(32)],
    ['too short', proof.subarray(1)],
    ['a list', [...proof]],
  ])('a proof that is %s is another network, in the same words', (_name, wrong) => {
    const said = { ...body, ...(wrong === undefined ? {} : { proof: wrong }) }
    expect(() => readHello(said, proved)).toThrow(
      expect.objectContaining({ code: 'OTHER_NETWORK', message: expect.stringContaining('did not prove') }),
    )
  })

  test('it is checked after the network, and before version and record', () => {
    const bare = { version: [2, 3], record: new Uint8Array(50) }
    expect(codeOf({ ...body, ...bare }, proved)).toBe('OTHER_NETWORK')
    expect(codeOf({ ...body, ...bare, proof }, proved)).toBe('VERSION_MISMATCH')
    expect(() => readHello({ ...body, network: 1, proof }, proved)).toThrow('belongs to another network')
  })

  test('an open network ignores one', () => expect(codeOf({ ...body, proof: 'x' })).toBe('fine'))
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

test('two starts of a peer have different boot ids', () => {
  const boot = new Uint8Array(8).fill(7)
  expect(sameBoot(boot, Uint8Array.from(boot))).toBe(true)
  expect(sameBoot(boot, Uint8Array.of(7, 7, 7, 7, 7, 7, 7, 8))).toBe(false)
})

test.each<[string, Value, string]>([
  ['kind', 'other', '"other"'],
  ['kind', 'x'.repeat(1_000), `"${'x'.repeat(39)}.`],
  ['network', 1.5, '1.5'],
  ['boot', new Uint8Array(3), '3 bytes'],
  ['version', [1, 2, 3], 'a list of 3'],
  ['record', true, 'boolean'],
])('what is refused says what came, shortly: %s %j', (member, value, said) => {
  expect(() => readHello({ ...body, [member]: value }, expected)).toThrow(`but got ${said}`)
})

test('a record that cannot be read is the cause', () => {
  expect(() => readHello({ ...body, record: new Uint8Array(50) }, expected)).toThrow(
    expect.objectContaining({ code: 'BAD_HELLO', cause: expect.objectContaining({ name: 'IdentityError' }) }),
  )
})
