/**
 * The pure cores: every file that holds rules (state machines, codecs, windows, limits, schedules) and touches nothing outside
 * itself. What they need of time, chance, network and disk comes in as a value or a port. The one list for the linter's ban on
 * clocks and chance, for the check below (part of `npm test`) and for `npm run mutants`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './steps.js'

/** Package → files of its `src` folder, without `.ts`. */
const FILES: Readonly<Record<string, readonly string[]>> = {
  wire: [
    'buffer-pool',
    'bytes',
    'codec',
    'datagram',
    'envelope-encoder',
    'envelope-reader',
    'frame',
    'frame-cutter',
    'frame-writer',
    'header',
    'key-set',
    'limits',
    'message',
    'message-fields',
    'message-reader',
    'pieces',
    'plain',
    'put',
    'value',
    'value-check',
    'value-copy',
    'value-scan',
  ],
  identity: [
    'base32',
    'certificate',
    'key-exchange',
    'network',
    'network-secret',
    'noise',
    'peer-address',
    'peer-id',
    'peer-record',
    'replay-window',
    'sealed-session',
    'session-packets',
    'text',
    'x25519',
  ],
  transport: [
    'address',
    'address-limiter',
    'admission',
    'back-off',
    'checks',
    'close-code',
    'connect-to-peer',
    'datagram-socket-options',
    'descriptor-spell',
    'dialler',
    'fair-share',
    'handshake-slots',
    'held-frames',
    'hello',
    'hello-proof',
    'host-families',
    'interfaces',
    'keep-alive',
    'meter',
    'pair-state',
    'peer-book',
    'plain-preamble',
    'progress',
    'receive-queue',
    'round-trip',
    'send-budget',
    'send-lanes',
    'send-problems',
    'subnet',
    'tcp-address',
  ],
  dispatch: [
    'announcements',
    'batch',
    'deadlines',
    'dispatcher',
    'feed',
    'job',
    'lane',
    'middleware',
    'priority-queue',
    'rate-limit',
    'replay-guard',
    'reply-registry',
    'requests-counters',
    'runner',
    'schedule',
    'sessions/cookies',
    'sessions/handshake-limits',
    'sessions/handshakes',
    'sessions/live-session',
    'sessions/own-requests',
    'sessions/peer-quota',
    'sessions/record-queries',
    'sessions/remote-error',
    'sessions/reply-cache',
    'sessions/round-trip',
    'sessions/sealed-handlers',
    'sessions/sealed-message',
    'sessions/session-table',
    'sessions/sessions',
    'shedding',
    'worker-plan',
  ],
  discovery: ['announcement', 'answers', 'keys', 'schedule', 'sightings', 'state'],
  kademlia: [
    'bucket',
    'bucket-tree',
    'calls',
    'contact',
    'directory',
    'expiry',
    'hand-over',
    'known-records',
    'lifetimes',
    'list-keys',
    'list-leave',
    'list-pages',
    'lookup',
    'lookup-candidate',
    'lookup-options',
    'lookup-path',
    'lookup-shortlist',
    'lookup-timing',
    'maintenance',
    'messages',
    'nearest-first',
    'own-records',
    'peer-list',
    'position',
    'query',
    'record-quota',
    'record-store',
    'responder',
    'routing-table',
    'table-fill',
    'tokens',
    'value-record',
  ],
  gossip: [
    'anti-entropy',
    'bodies',
    'comparing',
    'digests',
    'formulas',
    'messages',
    'neighbours',
    'origins',
    'rate-limit',
    'repair',
    'rumor',
    'rumor-cache',
    'scores',
    'searches',
    'seen',
    'sequence-window',
    'spread',
    'state',
    'sync-messages',
    'wants',
  ],
  membership: [
    'allowance',
    'check',
    'checks',
    'dissemination',
    'hearsay',
    'incarnation',
    'local-health',
    'member',
    'messages',
    'options',
    'own-word',
    'peer-state',
    'pings',
    'presence',
    'probing',
    'relays',
    'round-robin',
    'state',
    'statements',
    'suspects',
    'suspicion',
    'table',
  ],
  messaging: [
    'copy-value',
    'deadline',
    'delivery',
    'error-answer',
    'frames',
    'idle',
    'lanes',
    'left-behind',
    'memory-inbox',
    'receive-cursor',
    'request-table',
    'send-window',
  ],
  control: ['arguments', 'limits', 'protocol'],
  peer: ['allowed-dials', 'gossip-search', 'names', 'phases', 'select'],
  store: [
    'checks',
    'crc32c',
    'group-commit',
    'level-bytes',
    'level-errors',
    'level-log',
    'level-manifest',
    'level-table',
    'limits',
    'memory-backend',
    'sequence',
    'value-format',
  ],
}

/**
 * The only Node modules a core may import at run time, each for functions of their arguments alone: hashes and signatures, the
 * test whether a text is an IP address, the test whether bytes are UTF-8. (`node:os` and `node:stream` are imported for types only.)
 */
const PURE_MODULES: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': [
    'dispatch/sessions/cookies',
    'gossip/rumor',
    'identity/certificate',
    'identity/network',
    'identity/network-secret',
    'identity/noise',
    'identity/peer-id',
    'identity/sealed-session',
    'identity/x25519',
    'kademlia/position',
    'kademlia/tokens',
    'kademlia/value-record',
  ],
  'node:net': ['identity/peer-address', 'transport/address'],
  'node:buffer': ['wire/envelope-reader', 'wire/value-scan'],
}

export interface Core {
  /** As in `wire/frame`. */
  readonly name: string
  readonly package: string
  /** From the top of the repository, with `/`. */
  readonly file: string
}

export const CORES: readonly Core[] = Object.entries(FILES).flatMap(([folder, files]) =>
  files.map((file) => ({ name: `${folder}/${file}`, package: folder, file: `packages/${folder}/src/${file}.ts` })),
)

/** What keeps a file of the list from being a pure core; empty when all is well. */
export function coreViolations(read: (core: Core) => string = readCore): string[] {
  return CORES.flatMap((core) =>
    runTimeImports(read(core))
      .filter((module) => module.startsWith('node:') && PURE_MODULES[module]?.includes(core.name) !== true)
      .map((module) => `${core.file}: a pure core imports no Node module, got ${module}; take it as a port`),
  )
}

function readCore(core: Core): string {
  return readFileSync(join(ROOT, core.file), 'utf8')
}

function runTimeImports(source: string): string[] {
  return [...source.matchAll(/^import\s+(?!type\b)(?:[^'"]*?from\s*)?['"]([^'"]+)['"]/gm)].map(
    (match) => match[1] ?? '',
  )
}
