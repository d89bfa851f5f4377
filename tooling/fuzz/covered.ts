/**
 * Finds decoders and handlers that no target names. Every package is asked for what it exports: a function that by its name reads
 * something, a class whose methods take something in. Each must be in the `covers` of a target or, with a reason, in EXEMPT.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../steps.js'
import { TARGETS } from './targets/index.js'

/** Functions, static methods and classes by name. */
const READS = /^(decode|read|parse|unpack|unseal|open|verify|peerIdOf|from[A-Z])|(Decoder|Reader|Parser)$/
/** Methods through which something of a stranger comes in. */
const TAKES = /^(receive|push|feed|accept|handle|dispatch|park|onFrame|onMessage|onDatagram|upsert|stream|call)$/

/** Those that see nothing a stranger made up, each with the reason. */
export const EXEMPT: Readonly<Record<string, string>> = {
  '@pc/peer Peer': 'hands on to messaging, dispatch and discovery, which are fuzzed themselves',
  '@pc/testkit SeededRandom': 'seeds are chosen by whoever runs a test',
  '@pc/transport PeerBook': 'takes records after readPeerRecord, and addresses that a connection proved',
}

/** `@pc/wire decodeValue` and the like: everything that has to be fuzzed. */
export async function decoders(): Promise<string[]> {
  const found: string[] = []
  for (const folder of FOLDERS) {
    const [name, all] = await exportsOf(folder)
    for (const [part, value] of Object.entries(all)) {
      if (typeof value === 'function') found.push(...partsOf(part, value).map((one) => `${name} ${one}`))
    }
  }
  return found
}

const FOLDERS = readdirSync(join(ROOT, 'packages'))

async function exportsOf(folder: string): Promise<[name: string, all: Record<string, unknown>]> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'packages', folder, 'package.json'), 'utf8')) as { name: string }
  const all = (await import(pathToFileURL(join(ROOT, 'packages', folder, 'src', 'index.ts')).href)) as Record<
    string,
    unknown
  >
  return [manifest.name, all]
}

/** Those of `names` that are there. */
export async function exported(names: readonly string[]): Promise<string[]> {
  const packages = new Map(await Promise.all(FOLDERS.map(exportsOf)))
  return names.filter((name) => {
    const [from = '', path = ''] = name.split(' ')
    const [first = '', member] = path.split('.')
    const value = packages.get(from)?.[first]
    return typeof value === 'function' && (member === undefined || member in value)
  })
}

/** Those of `all` that no target covers and nobody has exempted. */
export async function uncovered(all?: readonly string[]): Promise<string[]> {
  const covered = new Set(TARGETS.flatMap(({ covers }) => covers))
  return (all ?? (await decoders())).filter((name) => !covered.has(name) && EXEMPT[name] === undefined)
}

/** What is covered or exempt, but is exported no more: to be taken out. */
export async function obsolete(): Promise<string[]> {
  const all = new Set(await decoders())
  return Object.keys(EXEMPT).filter((name) => !all.has(name))
}

function partsOf(name: string, value: object): string[] {
  const statics = Object.getOwnPropertyNames(value).filter((member) => READS.test(member))
  const { prototype } = value as { prototype?: object }
  const takes =
    prototype === undefined ? false : Object.getOwnPropertyNames(prototype).some((member) => TAKES.test(member))
  const own = READS.test(name) || takes ? [name] : []
  return [...own, ...statics.map((member) => `${name}.${member}`)]
}
