import { openNetwork } from '@pc/identity'
import { SeededRandom } from '@pc/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Admission, type AdmissionStep, Admissions } from './admission.js'

const office = openNetwork('office', { secret: 'correct horse' })
const other = openNetwork('office', { secret: 'battery staple' })
const seeded = (seed: string, network = office): Admissions => new Admissions(network, new SeededRandom(seed))
const NOTHING = new Uint8Array(0)

function sent(step: AdmissionStep): Uint8Array {
  return step.type === 'refused' ? expect.fail(`refused: ${step.fault}`) : step.send
}

/** Both sides as they are after the challenge, and what the dialler answers. */
function answered(acceptors = seeded('a'), diallers = seeded('d')) {
  const [acceptor, dialler] = [acceptors.accepting(), diallers.dialling()]
  const challenge = sent(acceptor.start())
  expect(dialler.start()).toEqual({ type: 'wait', send: NOTHING })
  const answer = sent(dialler.receive(challenge))
  return { acceptor, dialler, challenge, answer }
}

const inPieces = (admission: Admission, bytes: Uint8Array, at: number): AdmissionStep => {
  const first = admission.receive(bytes.subarray(0, at))
  return first.type === 'wait' && at < bytes.length ? admission.receive(bytes.subarray(at)) : first
}

describe('two members', () => {
  test('admit each other with 32, 64 and 32 bytes', () => {
    const { acceptor, dialler, challenge, answer } = answered()
    expect([acceptor.answered, dialler.answered]).toEqual([false, true])
    const decision = acceptor.receive(answer)
    expect(decision.type).toBe('admitted')
    const proof = sent(decision)
    expect([challenge.length, answer.length, proof.length]).toEqual([32, 64, 32])
    expect(answer.subarray(32)).toEqual(office.prove('pc-dial', Buffer.concat([challenge, answer.subarray(0, 32)])))
    expect(proof).toEqual(office.prove('pc-accept', Buffer.concat([challenge, answer.subarray(0, 32)])))
    expect(dialler.receive(proof)).toEqual({ type: 'admitted', send: NOTHING })
    expect([acceptor.answered, dialler.answered]).toEqual([false, false])
  })

  test('admit each other wherever their bytes are split', () => {
    for (let at = 0; at <= 64; at += 1) {
      const { acceptor, dialler, answer } = answered()
      const proof = sent(inPieces(acceptor, answer, at))
      expect(inPieces(dialler, proof, Math.min(at, 32))).toEqual({ type: 'admitted', send: NOTHING })
      const waiting = seeded('e').dialling()
      waiting.start()
      expect(sent(inPieces(waiting, answer.subarray(0, 32), Math.min(at, 32)))).toHaveLength(64)
    }
  })

  test('say something else each time', () => {
    const [acceptors, diallers] = [seeded('a'), seeded('d')]
    const [first, second] = [answered(acceptors, diallers), answered(acceptors, diallers)]
    expect(first.challenge).not.toEqual(second.challenge)
    expect(first.answer.subarray(0, 32)).not.toEqual(second.answer.subarray(0, 32))
  })
})

test('the example of docs/protocol.md §11', () => {
  const network = openNetwork('office', { secret: 'correct horse battery staple' })
  const counting = (from: number) => ({ bytes: (length: number) => Uint8Array.from({ length }, (_, at) => from + at) })
  const { acceptor, answer } = answered(
    new Admissions(network, counting(0x00)),
    new Admissions(network, counting(0x20)),
  )
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  expect(hex(answer)).toBe(
    '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f' +
      '25a179ef8fb71efaac26c9ba9ad86154a8a1648eb054a49cdf859833f4e167fb',
  )
  expect(hex(sent(acceptor.receive(answer)))).toBe('3c784d257768deffd22a5e74a7cc450e20a4913d6ed103fc22ab3303a3b9d5d1')
})

describe('whoever does not know the secret', () => {
  test('is refused on both sides, with another secret of the same network', () => {
    const { acceptor, dialler, challenge, answer } = answered(seeded('a'), seeded('d', other))
    expect(acceptor.receive(answer)).toMatchObject({ type: 'refused' })
    const proof = office.prove('pc-accept', Buffer.concat([challenge, answer.subarray(0, 32)]))
    expect(dialler.receive(proof)).toMatchObject({ type: 'refused' })
  })

  test('is refused with any flipped bit of a right answer', () => {
    const { answer } = answered()
    for (let bit = 0; bit < answer.length * 8; bit += 1) {
      const { acceptor } = answered()
      expect(acceptor.receive(flipped(answer, bit)), `bit ${bit}`).toMatchObject({ type: 'refused' })
    }
    for (let bit = 0; bit < 256; bit += 1) {
      const { acceptor, dialler, answer } = answered()
      expect(dialler.receive(flipped(sent(acceptor.receive(answer)), bit))).toMatchObject({ type: 'refused' })
    }
  })

  test('gains nothing by an answer or a proof of an earlier exchange', () => {
    const [acceptors, diallers] = [seeded('a'), seeded('d')]
    const before = answered(acceptors, diallers)
    const proofBefore = sent(before.acceptor.receive(before.answer))
    const now = answered(acceptors, diallers)
    expect(now.acceptor.receive(before.answer)).toMatchObject({ type: 'refused' })
    expect(now.dialler.receive(proofBefore)).toMatchObject({ type: 'refused' })
  })

  test('gains nothing by giving a side its own bytes back', () => {
    const dialled = answered()
    // The proof it has just heard, and the random bytes it has heard before.
    expect(dialled.dialler.receive(dialled.answer.subarray(32))).toMatchObject({ type: 'refused' })
    const accepted = answered()
    const echo = Buffer.concat([accepted.challenge, accepted.challenge])
    expect(accepted.acceptor.receive(echo)).toMatchObject({ type: 'refused' })
  })

  test('cannot let a peer answer the challenge that it gave itself', () => {
    const peer = seeded('peer')
    const acceptor = peer.accepting()
    const challenge = sent(acceptor.start())
    const dialler = peer.dialling()
    dialler.start()
    const step = dialler.receive(challenge)
    expect(step).toEqual({ type: 'refused', fault: 'own-challenge' })
    acceptor.end()
    expect(peer.open).toBe(0)
    // What is over is nobody's challenge any more.
    const again = peer.dialling()
    again.start()
    expect(again.receive(challenge).type).toBe('wait')
  })

  test('learns nothing from a dialler by silence or half a challenge', () => {
    const dialler = seeded('d').dialling()
    expect(sent(dialler.start())).toEqual(NOTHING)
    expect(sent(dialler.receive(new Uint8Array(31)))).toEqual(NOTHING)
  })
})

describe('more than a turn has', () => {
  test('is a fault, in one piece or after the turn', () => {
    for (const extra of [1, 32, 517]) {
      const { acceptor, dialler, answer } = answered()
      expect(acceptor.receive(Buffer.concat([answer, new Uint8Array(extra)]))).toMatchObject({ type: 'refused' })
      expect(dialler.receive(new Uint8Array(32 + extra))).toMatchObject({ type: 'refused' })
      const impatient = seeded('d').dialling()
      impatient.start()
      expect(impatient.receive(new Uint8Array(32 + extra))).toMatchObject({ type: 'refused' })
    }
  })

  test('is never admitted a second time', () => {
    const { acceptor, dialler, answer } = answered()
    const proof = sent(acceptor.receive(answer))
    dialler.receive(proof)
    expect(acceptor.receive(answer)).toMatchObject({ type: 'refused' })
    expect(acceptor.receive(NOTHING)).toMatchObject({ type: 'refused' })
    expect(dialler.receive(proof)).toMatchObject({ type: 'refused' })
  })
})

test('every challenge is forgotten when its admission ends, whatever way', () => {
  const acceptors = seeded('a')
  const good = answered(acceptors)
  const bad = answered(acceptors)
  const cut = answered(acceptors)
  expect(acceptors.open).toBe(3)
  good.acceptor.receive(good.answer)
  bad.acceptor.receive(new Uint8Array(64))
  cut.acceptor.end()
  cut.acceptor.end()
  expect(acceptors.open).toBe(0)
  expect(cut.acceptor.receive(cut.answer)).toMatchObject({ type: 'refused' })
})

test('no bytes of a stranger admit it, nor make a side say more than its turn', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 6 })
  fc.assert(
    fc.property(pieces, fc.boolean(), (bytes, dialled) => {
      const admission = dialled ? seeded('x').dialling() : seeded('x').accepting()
      let said = sent(admission.start()).length
      let over = false
      for (const piece of bytes) {
        const step = admission.receive(piece)
        expect(step.type).not.toBe('admitted')
        if (over) expect(step.type).toBe('refused')
        over ||= step.type === 'refused'
        if (step.type !== 'refused') said += step.send.length
      }
      expect(said).toBeLessThanOrEqual(dialled ? 64 : 32)
    }),
    { numRuns: 500 },
  )
})

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}
