/**
 * The proof in HELLO: prove('pc-hello', role || channel binding || boot), the role being one byte, 0 for the dialler and 1 for the
 * acceptor. Admission before TLS says that a member is at the other end of some wire; this says that it is at the other end of
 * this stream, with nobody between who would carry the answers of one to the other.
 */
import type { Network } from '@pc/identity'

type Keys = Pick<Network, 'hasSecret' | 'prove' | 'verifyProof'>

/** The end of a stream that speaks or listens. */
interface End {
  readonly dialled: boolean
  readonly channelBinding: Uint8Array | undefined
}

const PURPOSE = 'pc-hello'

/** What our HELLO says; undefined where there is nothing to say, or nothing that could be bound to the stream. */
export function helloProof(keys: Keys, end: End, boot: Uint8Array): Uint8Array | undefined {
  if (!keys.hasSecret || end.channelBinding === undefined) return undefined
  return keys.prove(PURPOSE, bytesOf(end.dialled, end.channelBinding, boot))
}

/** The check of the other side's; undefined on an open network. */
export function helloCheck(keys: Keys, end: End): ((boot: Uint8Array, proof: Uint8Array) => boolean) | undefined {
  if (!keys.hasSecret) return undefined
  const { channelBinding, dialled } = end
  if (channelBinding === undefined) return () => false
  return (boot, proof) => keys.verifyProof(PURPOSE, bytesOf(!dialled, channelBinding, boot), proof)
}

function bytesOf(dialler: boolean, channelBinding: Uint8Array, boot: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(dialler ? 0 : 1), channelBinding, boot])
}
