/**
 * HELLO, the first frame in both directions of every connection: its shape and its checks, without any I/O.
 *
 * `pc/hello`, id 0, body `{version: [min, max], boot: bin 8, kind: 'control' | 'bulk', record: bin, features: [str], network: u32,
 * pair: int}`, and on networks with a secret `proof: bin 32`.
 * `kind` counts on the dialler's side; the acceptor, which speaks before it has heard what is wanted, says 'control'.
 * Members that this version does not know are ignored, so that later versions can add some.
 */
import { type PeerId, readPeerRecord, type SignedPeerRecord } from '@pc/identity'
import { PROTOCOL_VERSION, type Value } from '@pc/wire'
import type { CloseCode } from './close-code.js'
import { TransportError } from './errors.js'

export const HELLO_HEADER = 'pc/hello'
export const BOOT_ID_LENGTH = 8
/** The versions of the frames on connections that this package speaks. */
export const CONNECTION_VERSIONS: readonly [min: number, max: number] = [PROTOCOL_VERSION, PROTOCOL_VERSION]
/** Features are short names; a peer that needs more needs another mechanism. */
const MAX_FEATURES = 64
const MAX_FEATURE_LENGTH = 64
const MAX_U32 = 0xffff_ffff

export type ConnectionKind = 'control' | 'bulk'

export interface Hello {
  /** Lowest and highest version that the peer speaks. */
  readonly version: readonly [min: number, max: number]
  /** 8 bytes, new at each start of the peer. */
  readonly boot: Uint8Array
  readonly kind: ConnectionKind
  readonly record: SignedPeerRecord
  readonly features: readonly string[]
  readonly network: number
  /**
   * The number of the sender's next, or present, pair with the receiver: greater after each of its pairs that ended, by whatever
   * reason of its own. Two streams belong to one pair when they carry the same numbers in both directions. 0 if the sender says none.
   */
  readonly pair: number
  /** On networks with a secret: that the sender knows it, and speaks over this very stream. Read, it was right, and is left out. */
  readonly proof?: Uint8Array | undefined
}

export interface HelloExpectation {
  /** The id that the handshake proved. */
  readonly remoteId: PeerId
  /** The key id of our network. */
  readonly network: number
  /** Whether `proof` is the other side's for a HELLO with that boot id; undefined on an open network, where none is needed. */
  readonly isProved: ((boot: Uint8Array, proof: Uint8Array) => boolean) | undefined
  readonly version: readonly [min: number, max: number]
  /** A record of that peer whose signature was checked before: the very same bytes need no other check. */
  readonly known?: SignedPeerRecord | undefined
}

export function helloBody(hello: Hello): Value {
  return {
    version: [...hello.version],
    boot: hello.boot,
    kind: hello.kind,
    record: hello.record.bytes,
    features: [...hello.features],
    network: hello.network,
    pair: hello.pair,
    ...(hello.proof === undefined ? {} : { proof: hello.proof }),
  }
}

/**
 * Checks a HELLO: shape, then network and its proof, then version, then the record, whose signature is the costly part.
 * @throws TransportError BAD_HELLO, OTHER_NETWORK, VERSION_MISMATCH
 */
export function readHello(body: Value, expected: HelloExpectation): Hello {
  if (body === null || typeof body !== 'object' || Array.isArray(body) || body instanceof Uint8Array)
    throw bad('a map', body)
  const { boot, kind, record, network, pair = 0 } = body
  const version = readVersion(body.version)
  if (!(boot instanceof Uint8Array) || boot.length !== BOOT_ID_LENGTH)
    throw bad(`${BOOT_ID_LENGTH} bytes as boot`, boot)
  if (kind !== 'control' && kind !== 'bulk') throw bad(`'control' or 'bulk' as kind`, kind)
  if (!(record instanceof Uint8Array)) throw bad('bytes as record', record)
  if (!isInteger(network, MAX_U32)) throw bad('a 32-bit number as network', network)
  if (!isInteger(pair, Number.MAX_SAFE_INTEGER)) throw bad('an integer from 0 up as pair', pair)
  const features = readFeatures(body.features)
  if (network !== expected.network) {
    throw new TransportError(
      'OTHER_NETWORK',
      `${expected.remoteId.short} belongs to another network (key id ${network}, ours is ${expected.network}); compare the network names.`,
    )
  }
  requireProof(boot, body.proof, expected)
  if (version[0] > expected.version[1] || version[1] < expected.version[0]) {
    throw new TransportError(
      'VERSION_MISMATCH',
      `${expected.remoteId.short} speaks versions ${version[0]} to ${version[1]}, this peer ${expected.version[0]} to ${expected.version[1]}; update the older one.`,
    )
  }
  // A copy: the bytes of a frame are a view of a much larger chunk, and the boot id is kept.
  return {
    version,
    boot: Uint8Array.from(boot),
    kind,
    record: readRecord(record, expected),
    features,
    network,
    pair,
  }
}

/** Whether two HELLOs came from the same process. */
export function sameBoot(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** What to close a connection with whose HELLO failed with `error`. */
export function closeCodeOfHelloError(error: unknown): CloseCode {
  const code = error instanceof TransportError ? error.code : undefined
  if (code === 'OTHER_NETWORK' || code === 'VERSION_MISMATCH' || code === 'HELLO_TIMEOUT') return code
  return 'PROTOCOL_ERROR'
}

/** Wrong or missing, it is one failure, so that whoever tries learns nothing from it. */
function requireProof(boot: Uint8Array, proof: Value | undefined, { isProved, remoteId }: HelloExpectation): void {
  if (isProved === undefined || (proof instanceof Uint8Array && isProved(boot, proof))) return
  throw new TransportError(
    'OTHER_NETWORK',
    `${remoteId.short} did not prove over this stream that it knows the secret of this network; compare the secrets.`,
  )
}

function readVersion(value: Value | undefined): [number, number] {
  const [min, max] = Array.isArray(value) && value.length === 2 ? value : []
  if (!isInteger(min, MAX_U32) || !isInteger(max, MAX_U32) || min > max)
    throw bad('[lowest, highest] as version', value)
  return [min, max]
}

function readFeatures(value: Value | undefined): string[] {
  if (!Array.isArray(value) || value.length > MAX_FEATURES)
    throw bad(`a list of at most ${MAX_FEATURES} features`, value)
  const features: string[] = []
  for (const feature of value) {
    if (typeof feature !== 'string' || feature.length > MAX_FEATURE_LENGTH)
      throw bad('a short string as feature', feature)
    features.push(feature)
  }
  return features
}

function readRecord(bytes: Uint8Array, { remoteId, known }: HelloExpectation): SignedPeerRecord {
  if (known?.id.equals(remoteId) && Buffer.compare(known.bytes, bytes) === 0) return known
  try {
    return readPeerRecord(bytes, remoteId)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new TransportError('BAD_HELLO', `The HELLO of ${remoteId.short} came with a wrong record: ${why}`, { cause })
  }
}

function isInteger(value: Value | undefined, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}

function bad(expected: string, got: Value | undefined): TransportError {
  const kind =
    got instanceof Uint8Array ? `${got.length} bytes` : Array.isArray(got) ? `a list of ${got.length}` : typeof got
  const what = typeof got === 'string' || typeof got === 'number' ? JSON.stringify(got).slice(0, 40) : kind
  return new TransportError('BAD_HELLO', `Expected ${expected} in HELLO, but got ${what}.`)
}
