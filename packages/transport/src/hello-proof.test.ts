import { openNetwork } from '@pc/identity'
import { expect, test } from 'vitest'
import { helloCheck, helloProof } from './hello-proof.js'

const office = openNetwork('office', { secret: 'correct horse' })
const [binding, boot] = [new Uint8Array(32).fill(1), new Uint8Array(8).fill(2)]
const dialler = { dialled: true, channelBinding: binding }
const acceptor = { dialled: false, channelBinding: binding }

function proofOf(end: typeof dialler, network = office): Uint8Array {
  return helloProof(network, end, boot) ?? expect.fail('no proof')
}

test('each end proves itself to the other, and to nobody else', () => {
  expect(proofOf(dialler)).toEqual(office.prove('pc-hello', Buffer.concat([Buffer.of(0), binding, boot])))
  expect(proofOf(acceptor)).toEqual(office.prove('pc-hello', Buffer.concat([Buffer.of(1), binding, boot])))
  for (const [speaker, listener] of [
    [dialler, acceptor],
    [acceptor, dialler],
  ] as const) {
    const check = helloCheck(office, listener) ?? expect.fail('no check')
    expect(check(boot, proofOf(speaker))).toBe(true)
    expect(check(boot, proofOf(listener)), 'its own given back').toBe(false)
    expect(check(new Uint8Array(8), proofOf(speaker)), 'another start').toBe(false)
    expect(check(boot, proofOf({ ...speaker, channelBinding: new Uint8Array(32) })), 'another stream').toBe(false)
    expect(check(boot, proofOf(speaker, openNetwork('office', { secret: 'battery staple' }))), 'another secret').toBe(
      false,
    )
    for (const length of [0, 31, 33]) expect(check(boot, new Uint8Array(length))).toBe(false)
  }
})

test('the example of docs/protocol.md §12', () => {
  const network = openNetwork('office', { secret: 'correct horse battery staple' })
  const channelBinding = Uint8Array.from({ length: 32 }, (_, at) => 0x40 + at)
  const proofs = [true, false].map((dialled) => {
    const proof = helloProof(network, { dialled, channelBinding }, Buffer.from('b001020304050607', 'hex'))
    return Buffer.from(proof ?? []).toString('hex')
  })
  expect(proofs).toEqual([
    '26b539ca75bceeca3aa7ec3f014d6023e82e198ed2ac5b9218739c2174712ee4',
    '76b9c23f02240dfb13df9e3e81a29b57061d5ba6730ffb28de6910bae06aa063',
  ])
})

test('an open network neither says nor wants one', () => {
  const open = openNetwork('office')
  expect(helloProof(open, dialler, boot)).toBeUndefined()
  expect(helloCheck(open, acceptor)).toBeUndefined()
})

test('a stream without a channel binding is never proved', () => {
  const unbound = { dialled: false, channelBinding: undefined }
  expect(helloProof(office, unbound, boot)).toBeUndefined()
  const check = helloCheck(office, unbound) ?? expect.fail('no check')
  const forged = office.prove('pc-hello', Buffer.concat([Buffer.of(0), boot]))
  expect(check(boot, forged)).toBe(false)
})
