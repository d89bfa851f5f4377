/**
 * Noise_IKpsk0_25519_AESGCM_SHA256 (The Noise Protocol Framework, revision 34): one message each way, after which both sides
 * hold two keys that nobody else has. IK: the initiator knows the responder's static key, its own travels sealed. psk0: without
 * the network's key no message is even understood. Both messages together cost either side four Diffie-Hellman.
 *
 * Names are those of the specification: §5.2 SymmetricState, §7.5 the pattern, §9.2 what a psk changes, §12.3 the cipher's nonce.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { agree, type ExchangeKeyPair, X25519_BYTES } from './x25519.js'

const PROTOCOL_NAME = Buffer.from('Noise_IKpsk0_25519_AESGCM_SHA256') // exactly 32 bytes, so it is h itself
const TAG_BYTES = 16
const EMPTY = new Uint8Array(0)

/** Ephemeral key, sealed static key and the tag of the payload. */
export const MESSAGE_1_OVERHEAD: number = X25519_BYTES + (X25519_BYTES + TAG_BYTES) + TAG_BYTES
/** Ephemeral key and the tag of the payload. */
export const MESSAGE_2_OVERHEAD: number = X25519_BYTES + TAG_BYTES

/** Both directions of the traffic that follows (§5.2, Split), from the initiator's side. */
export interface TrafficKeys {
  readonly fromInitiator: KeyObject
  readonly fromResponder: KeyObject
}

/** What both sides must agree on without saying it. */
export interface Terms {
  readonly prologue: Uint8Array
  /** 32 bytes. */
  readonly psk: Uint8Array
}

export interface Initiation {
  readonly message: Uint8Array
  /** `undefined`: the second message is not by the responder that was meant, or not an answer to this first one. */
  finish(message2: Uint8Array): { payload: Uint8Array; keys: TrafficKeys } | undefined
}

export interface Received {
  readonly remoteStatic: Uint8Array
  readonly payload: Uint8Array
  /** With another ephemeral key each time. Not `undefined` in fact: `respond` has agreed with both keys already. */
  reply(ephemeral: ExchangeKeyPair, payload: Uint8Array): { message: Uint8Array; keys: TrafficKeys } | undefined
}

/** Writes message 1: `psk, e, es, s, ss`. `undefined` if the responder's key can be agreed with by nobody. */
export function initiate(
  terms: Terms,
  own: ExchangeKeyPair,
  ephemeral: ExchangeKeyPair,
  remoteStatic: Uint8Array,
  payload: Uint8Array,
): Initiation | undefined {
  const state = new SymmetricState(terms, remoteStatic)
  state.mixKeyAndHash(terms.psk)
  state.mixEphemeral(ephemeral.publicKey)
  if (!state.mixSecret(agree(ephemeral.privateKey, remoteStatic))) return undefined
  const sealedStatic = state.encryptAndHash(own.publicKey)
  if (!state.mixSecret(agree(own.privateKey, remoteStatic))) return undefined
  const sealedPayload = state.encryptAndHash(payload)
  return {
    message: Buffer.concat([ephemeral.publicKey, sealedStatic, sealedPayload]),
    finish(message2) {
      // A wrong answer must not spoil the state for the right one.
      const answer = state.copy()
      if (message2.length < MESSAGE_2_OVERHEAD) return undefined
      const remoteEphemeral = message2.subarray(0, X25519_BYTES)
      answer.mixEphemeral(remoteEphemeral)
      if (!answer.mixSecret(agree(ephemeral.privateKey, remoteEphemeral))) return undefined
      if (!answer.mixSecret(agree(own.privateKey, remoteEphemeral))) return undefined
      const opened = answer.decryptAndHash(message2.subarray(X25519_BYTES))
      return opened && { payload: opened, keys: answer.split() }
    },
  }
}

/** Reads message 1 and can write message 2: `e, ee, se`. `undefined`: not meant for this key, or forged. */
export function respond(terms: Terms, own: ExchangeKeyPair, message1: Uint8Array): Received | undefined {
  if (message1.length < MESSAGE_1_OVERHEAD) return undefined
  const staticEnd = X25519_BYTES + X25519_BYTES + TAG_BYTES
  // A copy: the reply may be written when the caller's buffer holds something else.
  const remoteEphemeral = Uint8Array.from(message1.subarray(0, X25519_BYTES))
  const state = new SymmetricState(terms, own.publicKey)
  state.mixKeyAndHash(terms.psk)
  state.mixEphemeral(remoteEphemeral)
  if (!state.mixSecret(agree(own.privateKey, remoteEphemeral))) return undefined
  const remoteStatic = state.decryptAndHash(message1.subarray(X25519_BYTES, staticEnd))
  if (remoteStatic === undefined || !state.mixSecret(agree(own.privateKey, remoteStatic))) return undefined
  const payload = state.decryptAndHash(message1.subarray(staticEnd))
  if (payload === undefined) return undefined
  return {
    remoteStatic,
    payload,
    reply(ephemeral, answer) {
      const after = state.copy()
      after.mixEphemeral(ephemeral.publicKey)
      if (!after.mixSecret(agree(ephemeral.privateKey, remoteEphemeral))) return undefined
      if (!after.mixSecret(agree(ephemeral.privateKey, remoteStatic))) return undefined
      const sealed = after.encryptAndHash(answer)
      return { message: Buffer.concat([ephemeral.publicKey, sealed]), keys: after.split() }
    },
  }
}

/** §5.2, with the CipherState of §5.1 in it: every key is used once before the next one, so the nonce is 0 throughout. */
class SymmetricState {
  #chainingKey: Uint8Array
  #hash: Uint8Array
  #key: Uint8Array = EMPTY

  constructor(terms: Terms, responderStatic: Uint8Array) {
    this.#chainingKey = PROTOCOL_NAME
    this.#hash = PROTOCOL_NAME
    this.#mixHash(terms.prologue)
    this.#mixHash(responderStatic)
  }

  copy(): SymmetricState {
    const twin = new SymmetricState({ prologue: EMPTY, psk: EMPTY }, EMPTY)
    twin.#chainingKey = this.#chainingKey
    twin.#hash = this.#hash
    twin.#key = this.#key
    return twin
  }

  mixKeyAndHash(inputKeyMaterial: Uint8Array): void {
    const [chainingKey, hash, key] = hkdf(this.#chainingKey, inputKeyMaterial, 3)
    this.#chainingKey = chainingKey
    this.#mixHash(hash)
    this.#key = key
  }

  /** The token `e`; with a psk the key is mixed in too (§9.2). */
  mixEphemeral(publicKey: Uint8Array): void {
    this.#mixHash(publicKey)
    this.#mixKey(publicKey)
  }

  /** `false`: there is no secret to mix in. */
  mixSecret(secret: Uint8Array | undefined): boolean {
    if (secret !== undefined) this.#mixKey(secret)
    return secret !== undefined
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const cipher = createCipheriv('aes-256-gcm', this.#key, NONCE_0)
    cipher.setAAD(this.#hash)
    const sealed = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
    this.#mixHash(sealed)
    return sealed
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array | undefined {
    const tagOffset = sealed.length - TAG_BYTES
    const decipher = createDecipheriv('aes-256-gcm', this.#key, NONCE_0, { authTagLength: TAG_BYTES })
    decipher.setAAD(this.#hash)
    decipher.setAuthTag(sealed.subarray(tagOffset))
    const plaintext = decipher.update(sealed.subarray(0, tagOffset))
    if (!authentic(decipher)) return undefined
    this.#mixHash(sealed)
    return plaintext
  }

  split(): TrafficKeys {
    const [fromInitiator, fromResponder] = hkdf(this.#chainingKey, EMPTY, 2)
    return { fromInitiator: createSecretKey(fromInitiator), fromResponder: createSecretKey(fromResponder) }
  }

  #mixHash(data: Uint8Array): void {
    this.#hash = createHash('sha256').update(this.#hash).update(data).digest()
  }

  #mixKey(inputKeyMaterial: Uint8Array): void {
    const [chainingKey, key] = hkdf(this.#chainingKey, inputKeyMaterial, 2)
    this.#chainingKey = chainingKey
    this.#key = key
  }
}

/** 32 bits of zeros, then the 64-bit counter, most significant byte first (§12.3). */
const NONCE_0 = Buffer.alloc(12)

/** Whether the tag fits; node:crypto tells by throwing. */
export function authentic(decipher: { final(): Uint8Array }): boolean {
  try {
    decipher.final()
    return true
  } catch {
    // The one reason for which `final` of GCM throws; it has neither a code nor a class of its own.
    return false
  }
}

/** §4.3. The third output is empty when two are wanted. */
function hkdf(
  chainingKey: Uint8Array,
  inputKeyMaterial: Uint8Array,
  outputs: 2 | 3,
): [Uint8Array, Uint8Array, Uint8Array] {
  const temporary = hmac(chainingKey, inputKeyMaterial)
  const first = hmac(temporary, ONE)
  const second = hmac(temporary, first, TWO)
  return [first, second, outputs === 3 ? hmac(temporary, second, THREE) : EMPTY]
}

function hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  const hash = createHmac('sha256', key)
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const [ONE, TWO, THREE] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]
