import { readFileSync } from 'node:fs'

/** The version of the daemon as its manifest states it. */
export const VERSION: string = readVersion()

function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}
