import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createCertificate,
  IdentityError,
  type Network,
  openIdentity,
  openNetwork,
  PeerId,
  parseShortId,
  peerIdOfCertificate,
  readPeerRecord,
  verifySignature,
} from '@pc/identity'
import { decodeValue } from '@pc/wire'
import { der, msgpack, opaque, plainText } from '../mutate/shape.js'
import { encodeTree, type Tree } from '../mutate/tree.js'
import { errors, nothing, type Target } from '../target.js'
import { bytesOf, identity, linesOf, NETWORK, record } from './seeds.js'
import { sessionTargets } from './sessions.js'

const ANNA = identity(1)
const [BEN, RECORD] = [identity(2), record(ANNA)]

const peerIdBytes: Target = {
  name: 'identity/PeerId.fromBytes',
  about: '32 bytes to an id',
  covers: ['@pc/identity PeerId.fromBytes'],
  shape: opaque,
  seeds: () => [ANNA.id.bytes, BEN.id.bytes, ...hexWords('identity/vectors/peer-ids.txt', 64)],
  allows: errors(IdentityError, ['BAD_PEER_ID']),
  open: () => ({
    handle: (input) => PeerId.fromBytes(input),
    verify: (input, result) => sameId(result as PeerId, input),
    alive: () => sameId(PeerId.fromBytes(ANNA.id.bytes), ANNA.id.bytes),
  }),
}

const peerIdText: Target = {
  name: 'identity/PeerId.parse',
  about: 'the text form of an id',
  covers: ['@pc/identity PeerId.parse'],
  shape: plainText,
  seeds: () => texts(ANNA.id.toString(), BEN.id.toString().toUpperCase(), ANNA.id.toString().replace(/(.{5})/g, '$1-')),
  allows: errors(IdentityError, ['BAD_PEER_ID']),
  open: () => ({
    handle: (input) => PeerId.parse(textOf(input)),
    verify: (_input, result) => sameId(PeerId.parse(String(result)), (result as PeerId).bytes),
    alive: () => sameId(PeerId.parse(ANNA.id.toString()), ANNA.id.bytes),
  }),
}

const shortId: Target = {
  name: 'identity/parseShortId',
  about: 'the eight characters that people type',
  covers: ['@pc/identity parseShortId'],
  shape: plainText,
  seeds: () => texts(ANNA.id.short, BEN.id.short.toUpperCase(), '0-1-2'),
  allows: nothing,
  open: () => ({
    handle: (input) => parseShortId(textOf(input)),
    verify: (_input, result) =>
      result === undefined || /^[0-9a-hjkmnp-tv-z]{7}$/.test(String(result))
        ? undefined
        : `not normalised: ${String(result)}`,
    alive: () => (ANNA.id.toString().startsWith(parseShortId(ANNA.id.short) ?? '-') ? undefined : 'another prefix'),
  }),
}

const peerRecord: Target = {
  name: 'identity/readPeerRecord',
  about: 'a signed record, also with another payload under a right signature',
  covers: ['@pc/identity readPeerRecord'],
  shape: msgpack({ unfolded: true, seal: signAgain }),
  seeds: () => [RECORD.bytes, record(BEN, 2 ** 41).bytes, ...hexWords('identity/vectors/records.txt', undefined, 100)],
  allows: errors(IdentityError, ['BAD_RECORD']),
  open: () => ({
    handle: (input) => readPeerRecord(input),
    verify(input, result) {
      const { bytes, id, addresses, capabilities } = result as ReturnType<typeof readPeerRecord>
      if (Buffer.compare(bytes, input) !== 0) return 'the bytes kept are not those that came'
      if (addresses.length > 4 || capabilities.length > 16) return 'more addresses or capabilities than allowed'
      const [payload, signature] = decodeValue(bytes) as [Uint8Array, Uint8Array]
      return verifySignature(id, 'pc-peer-record', payload, signature) ? undefined : 'the signature is not right'
    },
    alive: () => sameId(readPeerRecord(RECORD.bytes).id, ANNA.id.bytes),
  }),
}

/** A right signature by Anna over the payload as it is now. */
function signAgain(tree: Tree): Tree {
  if (tree.kind !== 'array') return tree
  const [payload] = tree.items
  const bytes =
    payload?.kind === 'embedded' ? encodeTree(payload.value) : payload?.kind === 'binary' ? payload.bytes : undefined
  if (bytes === undefined) return tree
  const signature: Tree = { kind: 'binary', bytes: ANNA.sign('pc-peer-record', bytes) }
  return { kind: 'array', items: [{ kind: 'binary', bytes }, signature] }
}

const signature: Target = {
  name: 'identity/verifySignature',
  about: 'a signature of any length and content',
  covers: ['@pc/identity verifySignature'],
  shape: opaque,
  seeds: () => [ANNA.sign('fuzz', ANNA.id.bytes), BEN.sign('fuzz', ANNA.id.bytes)],
  allows: nothing,
  open: () => {
    const right = ANNA.sign('fuzz', ANNA.id.bytes)
    return {
      handle: (input) => verifySignature(ANNA.id, 'fuzz', ANNA.id.bytes, input),
      verify: (input, result) =>
        result === (Buffer.compare(input, right) === 0)
          ? undefined
          : 'another signature passes, or the right one does not',
      alive: () => (verifySignature(ANNA.id, 'fuzz', ANNA.id.bytes, right) ? undefined : 'the right one does not pass'),
    }
  },
}

const certificate: Target = {
  name: 'identity/peerIdOfCertificate',
  about: 'X.509 that Node can parse, with any change inside (mutated DER)',
  covers: ['@pc/identity peerIdOfCertificate'],
  shape: der,
  seeds: () => [
    new X509Certificate(createCertificate(ANNA).cert).raw,
    ...linesOf('identity/vectors/certificates.txt').map((line) => longestHex(line)),
  ],
  allows: errors(IdentityError, ['BAD_CERTIFICATE']),
  open: () => {
    const right = new X509Certificate(createCertificate(ANNA).cert)
    let parsed: X509Certificate | undefined
    return {
      // What OpenSSL cannot parse never reaches the handler.
      prepare(input) {
        try {
          parsed = new X509Certificate(input)
        } catch {
          parsed = undefined
        }
      },
      handle: () => (parsed === undefined ? undefined : peerIdOfCertificate(parsed)),
      alive: () => sameId(peerIdOfCertificate(right), ANNA.id.bytes),
    }
  },
}

const keyFile: Target = {
  name: 'identity/openIdentity',
  about: 'a key file with other contents',
  covers: ['@pc/identity openIdentity'],
  shape: plainText,
  seeds: () => [
    ...texts(String(ANNA.privateKey.export({ format: 'pem', type: 'pkcs8' })), '', 'no key'),
    ...texts(
      '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VuBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n',
    ),
  ],
  allows: errors(IdentityError, ['KEY_CORRUPT']),
  weight: 0.1,
  untimed: true,
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pc-fuzz-key-'))
    const file = join(folder, 'key.pem')
    const good = join(folder, 'good.pem')
    await writeFile(good, ANNA.privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
    return {
      prepare: (input) => writeFile(file, input, { mode: 0o600 }),
      handle: () => openIdentity(file),
      alive: async () => sameId((await openIdentity(good)).id, ANNA.id.bytes),
      close: () => rm(folder, { recursive: true, force: true }),
    }
  },
}

const networkName: Target = {
  name: 'identity/openNetwork',
  about: 'the name of a network; MACs, proofs and sealed records of any length',
  covers: ['@pc/identity openNetwork', '@pc/identity isPeerName'],
  shape: plainText,
  seeds: () => texts('office', 'büro', 'a'.repeat(64), ' x', 'a\u202eb'),
  allows: errors(IdentityError, ['BAD_NETWORK_NAME']),
  open: () => ({
    handle: (input) => openNetwork(textOf(input)),
    verify(input, result) {
      const network = result as Network
      if (network.verify(input, input.subarray(0, 16))) return 'an invented MAC passes'
      if (network.verifyProof('fuzz', input, input.subarray(0, 32))) return 'an invented proof passes'
      return network.openRecord(input, input.subarray(0, 12)) === undefined ? undefined : 'an invented record opens'
    },
    alive: () =>
      NETWORK.verify(ANNA.id.bytes, NETWORK.mac(ANNA.id.bytes)) ? undefined : 'the right MAC does not pass',
  }),
}

function sameId(id: PeerId, bytes: Uint8Array): string | undefined {
  return Buffer.compare(id.bytes, bytes) === 0 ? undefined : `it gives ${id.toString()}`
}

/** As UTF-8; what begins with 0xff as UTF-16, the only way to half a surrogate pair. */
export function textOf(input: Uint8Array): string {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.length)
  return bytes[0] === 0xff ? bytes.subarray(1).toString('utf16le') : bytes.toString('utf8')
}

export function texts(...all: string[]): Uint8Array[] {
  return all.map((text) => new Uint8Array(Buffer.from(text)))
}

/** Words of hex digits in a vector file, of that many digits or at least so many. */
function hexWords(path: string, digits: number | undefined, least = 0): Uint8Array[] {
  const words = linesOf(path).flatMap((line) => line.split(/\s+/))
  return words
    .filter((word) => /^([0-9a-f]{2})+$/.test(word) && word.length >= least && (digits ?? word.length) === word.length)
    .map(bytesOf)
}

function longestHex(line: string): Uint8Array {
  const words = line.split(/\s+/).filter((word) => /^([0-9a-f]{2})+$/.test(word))
  return bytesOf(words.sort((a, b) => b.length - a.length)[0] ?? '')
}

export const identityTargets: readonly Target[] = [
  peerIdBytes,
  peerIdText,
  shortId,
  peerRecord,
  signature,
  certificate,
  keyFile,
  networkName,
  ...sessionTargets,
]
