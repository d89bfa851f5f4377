import { expect, test } from 'vitest'
import * as identity from '../src/index.js'

test('the public door', () => {
  expect(Object.keys(identity).sort()).toEqual([
    'IdentityError',
    'MAX_RECORD_BYTES',
    'PEER_ID_BYTES',
    'PeerId',
    'createCertificate',
    'createIdentity',
    'isPeerName',
    'makePrivateFolder',
    'nextSequence',
    'openIdentity',
    'openNetwork',
    'parseShortId',
    'peerIdOfCertificate',
    'readPeerRecord',
    'signPeerRecord',
    'verifySignature',
  ])
})
