/**
 * Admission to a network with a secret: what both sides say on a connection before its first byte of TLS, without any I/O.
 *
 *     acceptor → dialler    A, 32 random bytes
 *     dialler → acceptor    D, 32 random bytes, and prove('pc-dial', A || D)
 *     acceptor → dialler    prove('pc-accept', A || D)
 *
 * Each side knows that the other knows the secret before it shows anything of its own: an outsider sees random bytes and proofs
 * that it cannot tell from them. The purposes keep a side's proof from being handed back to it, and both random parts keep
 * yesterday's from being of use. Turns are strict, so more bytes than a turn has are a fault.
 */
import type { Network } from '@pc/identity'
import type { Random } from './ports.js'

export const CHALLENGE_BYTES = 32
const PROOF_BYTES = 32
const NOTHING = new Uint8Array(0)

/** The part of a {@link Network} that admission needs. */
export type AdmissionKeys = Pick<Network, 'prove' | 'verifyProof'>

/** What to do next. `send` may be empty. After `admitted`, which is said once, TLS starts; after `refused`, nothing more is said. */
export type AdmissionStep =
  | { readonly type: 'wait' | 'admitted'; readonly send: Uint8Array }
  | { readonly type: 'refused'; readonly fault: AdmissionFault }

/** Why an admission is refused. `own-challenge`: the acceptor gave a challenge of this peer, so the connection leads back here. */
export type AdmissionFault = 'own-challenge' | 'wrong-proof' | 'too-many-bytes' | 'over'

/** Makes the admissions of one peer. */
export class Admissions {
  readonly #keys: AdmissionKeys
  readonly #random: Pick<Random, 'bytes'>
  /** Challenges of ours that wait for their answer; as many as there are handshakes under way. */
  readonly #open = new Set<string>()

  constructor(keys: AdmissionKeys, random: Pick<Random, 'bytes'>) {
    this.#keys = keys
    this.#random = random
  }

  /** For a connection that was dialled. An acceptor that gives a challenge of this peer wants the peer to answer itself. */
  dialling(): Admission {
    const isOwn = (challenge: Uint8Array): boolean => this.#open.has(hexOf(challenge))
    return new Admission(diallerTurns(this.#keys, this.#random.bytes(CHALLENGE_BYTES), isOwn), () => {})
  }

  /** For a connection that was accepted. {@link Admission.end} must follow. */
  accepting(): Admission {
    const challenge = this.#random.bytes(CHALLENGE_BYTES)
    const name = hexOf(challenge)
    this.#open.add(name)
    return new Admission(acceptorTurns(this.#keys, challenge), () => this.#open.delete(name))
  }

  /** Challenges that wait for their answer. */
  get open(): number {
    return this.#open.size
  }
}

/** What a side says at first, how much it then waits for, and what it makes of that. */
interface Turn {
  readonly send: Uint8Array
  /** 0 when nothing is waited for: the other side is admitted. */
  readonly wanted: number
  readonly next: (received: Uint8Array) => Turn | AdmissionFault
}

/** One side of one admission. */
export class Admission {
  readonly #onEnd: () => void
  #turn: Turn
  #received = NOTHING
  #filled = 0
  #over = false
  #answered = false

  constructor(first: Turn, onEnd: () => void) {
    this.#turn = first
    this.#onEnd = onEnd
  }

  /** Whether the other side has our proof and owes us its own: a connection that ends now was not admitted there. */
  get answered(): boolean {
    return this.#answered
  }

  /** The first step; call it once, before anything else. */
  start(): AdmissionStep {
    return this.#begin(this.#turn)
  }

  /** Bytes as they come, in pieces of any length. */
  receive(bytes: Uint8Array): AdmissionStep {
    if (this.#over) return { type: 'refused', fault: 'over' }
    if (bytes.length > this.#turn.wanted - this.#filled) return this.#refuse('too-many-bytes')
    this.#received.set(bytes, this.#filled)
    this.#filled += bytes.length
    if (this.#filled < this.#turn.wanted) return { type: 'wait', send: NOTHING }
    const next = this.#turn.next(this.#received)
    if (typeof next === 'string') return this.#refuse(next)
    this.#answered = next.wanted > 0
    return this.#begin(next)
  }

  /** Over, whatever the outcome: the connection may be gone in the middle. Idempotent. */
  end(): void {
    this.#over = true
    this.#onEnd()
  }

  #begin(turn: Turn): AdmissionStep {
    this.#turn = turn
    this.#filled = 0
    this.#received = new Uint8Array(turn.wanted)
    if (turn.wanted > 0) return { type: 'wait', send: turn.send }
    this.end()
    return { type: 'admitted', send: turn.send }
  }

  #refuse(fault: AdmissionFault): AdmissionStep {
    this.end()
    return { type: 'refused', fault }
  }
}

function acceptorTurns(keys: AdmissionKeys, challenge: Uint8Array): Turn {
  return {
    send: challenge,
    wanted: CHALLENGE_BYTES + PROOF_BYTES,
    next: (answer) => {
      const both = join(challenge, answer.subarray(0, CHALLENGE_BYTES))
      if (!keys.verifyProof('pc-dial', both, answer.subarray(CHALLENGE_BYTES))) return 'wrong-proof'
      return admitted(keys.prove('pc-accept', both))
    },
  }
}

function diallerTurns(keys: AdmissionKeys, ours: Uint8Array, isOwn: (challenge: Uint8Array) => boolean): Turn {
  return {
    send: NOTHING,
    wanted: CHALLENGE_BYTES,
    next: (challenge) => {
      if (isOwn(challenge)) return 'own-challenge'
      const both = join(challenge, ours)
      return {
        send: join(ours, keys.prove('pc-dial', both)),
        wanted: PROOF_BYTES,
        next: (proof) => (keys.verifyProof('pc-accept', both, proof) ? admitted(NOTHING) : 'wrong-proof'),
      }
    },
  }
}

function admitted(send: Uint8Array): Turn {
  return { send, wanted: 0, next: () => 'over' }
}

function join(one: Uint8Array, two: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + two.length)
  both.set(one)
  both.set(two, one.length)
  return both
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
