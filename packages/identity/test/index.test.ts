import { expect, test } from 'vitest'
import * as identity from '../src/index.js'

test('the public door', () => {
  expect(Object.keys(identity).sort()).toEqual([
    'COOKIE_BYTES',
    'IdentityError',
    'MAX_EARLY_BYTES',
    'MAX_RECORD_BYTES',
    'MAX_SEALED_PLAINTEXT',
    'PEER_ID_BYTES',
    'PeerId',
    'REQUEST_NONCE_BYTES',
    'SEAL_NONCE_BYTES',
    'SESSION_OVERHEAD',
    'SealedSession',
    'SessionPacketType',
    'createCertificate',
    'createIdMask',
    'createIdentity',
    'createKeyExchange',
    'isPeerName',
    'makePrivateFolder',
    'nextSequence',
    'openIdentity',
    'openNetwork',
    'packSessionPacket',
    'parseShortId',
    'peerIdOfCertificate',
    'readPeerRecord',
    'readSessionPacket',
    'receiverIndexOf',
    'sessionIndexOf',
    'sessionPacketTypeOf',
    'signPeerRecord',
    'verifySignature',
  ])
})
