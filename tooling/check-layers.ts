/**
 * The layer check: a package imports only from layers below it, never sideways, never up (ARCHITECTURE.md).
 * Reads manifests and import statements; every edge that breaks the order is named with its file.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Lower index = lower layer. Packages of one layer do not see each other. */
const LAYERS: readonly (readonly string[])[] = [
  ['wire'],
  ['identity', 'store'],
  ['transport'],
  ['dispatch'],
  ['discovery', 'kademlia', 'membership', 'gossip'],
  ['messaging', 'transfer', 'control'],
  ['peer'],
  ['daemon', 'cli'],
]

/** The CLI starts the daemon's executable and must therefore be installed with it; it never imports its code. */
const MANIFEST_ONLY: ReadonlySet<string> = new Set(['cli>daemon'])

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))
const layerOf = new Map(LAYERS.flatMap((names, layer) => names.map((name) => [name, layer] as const)))
const violations: string[] = []

for (const { name, folder } of workspacePackages(root)) {
  const layer = layerOf.get(name)
  if (layer === undefined && name !== 'testkit') {
    violations.push(`${folder}: no layer is known for @pc/${name}; add it to LAYERS in tooling/check-layers.ts`)
    continue
  }
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    dependencies?: Record<string, string>
    peerDependencies?: Record<string, string>
  }
  const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }))
  for (const dependency of declared) {
    const target = packageName(dependency)
    if (target !== undefined && !MANIFEST_ONLY.has(`${name}>${target}`)) check(name, target, `${folder}/package.json`)
  }
  for (const file of sourceFiles(join(root, folder, 'src'))) {
    if (file.endsWith('.test.ts')) continue
    const place = relative(root, file)
    for (const specifier of importsOf(readFileSync(file, 'utf8'))) {
      const target = packageName(specifier)
      if (target === undefined) continue
      check(name, target, place)
      if (target !== name && !declared.has(`@pc/${target}`)) {
        violations.push(`${place}: imports @pc/${target}, which ${folder}/package.json does not name in dependencies`)
      }
      if (!doorsOf(target).has(specifier))
        violations.push(`${place}: imports ${specifier}, which that package does not export`)
    }
  }
}

if (violations.length > 0) {
  console.error(`Layer check: ${violations.length} violation(s)\n${violations.map((line) => `  ${line}`).join('\n')}`)
  process.exit(1)
}
console.log('Layer check: every import goes down.')

function check(from: string, to: string, place: string): void {
  if (from === to) {
    violations.push(`${place}: imports its own package by name; use a relative path`)
    return
  }
  const fromLayer = from === 'testkit' ? -1 : (layerOf.get(from) ?? -1)
  const toLayer = layerOf.get(to)
  if (toLayer === undefined)
    violations.push(`${place}: @pc/${from} imports @pc/${to} at run time, which no shipped code may`)
  else if (toLayer >= fromLayer) {
    const direction = toLayer === fromLayer ? 'sideways' : 'up'
    violations.push(`${place}: @pc/${from} (layer ${fromLayer}) imports @pc/${to} (layer ${toLayer}): ${direction}`)
  }
}

/** What a package lets others import, by its manifest. */
function doorsOf(name: string): Set<string> {
  const folder = ['packages', 'apps'].map((group) => join(root, group, name)).find((path) => existsSync(path))
  if (folder === undefined) return new Set()
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, unknown>
  }
  return new Set(Object.keys(exports).map((door) => `@pc/${name}${door.slice(1)}`))
}

function packageName(specifier: string): string | undefined {
  return /^@pc\/([^/]+)/.exec(specifier)?.[1]
}

function importsOf(source: string): string[] {
  const pattern =
    /(?:^|[\s;])(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|import\s*\(\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm
  return [...source.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

function workspacePackages(top: string): { name: string; folder: string }[] {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(top, group), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => ({ name: entry.name, folder: `${group}/${entry.name}` })),
  )
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.[cm]?tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}
