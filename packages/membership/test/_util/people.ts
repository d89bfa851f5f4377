import { createHash } from 'node:crypto'
import { createIdentity, type Identity, type SignedPeerRecord, signPeerRecord } from '@pc/identity'

export interface Person {
  readonly identity: Identity
  readonly id: Identity['id']
  readonly record: SignedPeerRecord
}

/** The same name is always the same person. */
export function person(name: string, sequence = 1): Person {
  const identity = createIdentity(new Uint8Array(createHash('sha256').update(name).digest()))
  const record = signPeerRecord(identity, {
    sequence,
    name,
    addresses: [{ host: '10.0.0.1', port: 3485 }],
    capabilities: [],
  })
  return { identity, id: identity.id, record }
}
