/**
 * Search for peers by what they say of themselves. The question is a text; the answer is the signed record of who fits, so what fits follows from it and
 * nothing has to be believed. Pure.
 */
import { type PeerId, type PeerRecord, readPeerRecord, type SignedPeerRecord } from '@pc/identity'
import { PeerError } from './errors.js'
import { fold } from './names.js'

/** What of a peer fits a question. */
export interface Matched {
  /** Some word is part of its name. */
  readonly name: boolean
  /** Those that some word is, or begins. */
  readonly capabilities: readonly string[]
}

/** A peer that was found. */
export interface PeerMatch {
  /** Proved: it sent the answer. */
  readonly peer: PeerId
  /** Name, addresses and capabilities as it says itself. A name is a claim: others may use it too. */
  readonly record: SignedPeerRecord
  readonly matched: Matched
}

/** Topic of these questions. */
export const SEARCH_TOPIC = 'search'
const MAX_QUERY_BYTES = 256
/** Each is looked for in a name and sixteen capabilities. */
const MAX_WORDS = 16
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The question as it is sent. @throws PeerError BAD_OPTIONS for a text without words, or with too many */
export function packQuery(text: string): Uint8Array {
  const bytes = Buffer.from(text.trim(), 'utf8')
  const count = wordsOf(text).length
  if (count >= 1 && count <= MAX_WORDS && bytes.length <= MAX_QUERY_BYTES) return bytes
  throw new PeerError(
    'BAD_OPTIONS',
    `Expected 1 to ${MAX_WORDS} words to search for, ${MAX_QUERY_BYTES} bytes at most, got ${count} in ${bytes.length} bytes.`,
  )
}

/** Undefined for bytes that nobody can answer: no text, no words or too many. */
export function readQuery(bytes: Uint8Array): string | undefined {
  if (bytes.length > MAX_QUERY_BYTES) return undefined
  const text = textOf(bytes)
  if (text === undefined) return undefined
  const count = wordsOf(text).length
  return count >= 1 && count <= MAX_WORDS ? text : undefined
}

/**
 * Whether a peer fits: each word of the question is part of its name, or is or begins one of its capabilities. Case, Unicode composition and invisible
 * characters do not count.
 */
export function matchRecord(
  query: string,
  { name, capabilities }: Pick<PeerRecord, 'name' | 'capabilities'>,
): Matched | undefined {
  const foldedName = fold(name)
  const folded = capabilities.map((capability) => [capability, fold(capability)] as const)
  const found = new Set<string>()
  let byName = false
  for (const word of wordsOf(query)) {
    const isInName = foldedName.includes(word)
    const begun = folded.filter(([, capability]) => capability.startsWith(word))
    if (!isInName && begun.length === 0) return undefined
    byName ||= isInName
    for (const [capability] of begun) found.add(capability)
  }
  if (!byName && found.size === 0) return undefined
  return { name: byName, capabilities: capabilities.filter((capability) => found.has(capability)) }
}

/** Reads what a peer answered. Undefined when it is no record of its own, or one that does not fit. */
export function readSearchAnswer(query: string, peer: PeerId, answer: Uint8Array): PeerMatch | undefined {
  const record = recordOf(answer, peer)
  const matched = record === undefined ? undefined : matchRecord(query, record)
  return record === undefined || matched === undefined ? undefined : { peer, record, matched }
}

function wordsOf(text: string): string[] {
  return fold(text)
    .split(/\s+/u)
    .filter((word) => word !== '')
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes)
  } catch {
    return undefined
  }
}

function recordOf(bytes: Uint8Array, peer: PeerId): SignedPeerRecord | undefined {
  try {
    return readPeerRecord(bytes, peer)
  } catch {
    return undefined
  }
}
