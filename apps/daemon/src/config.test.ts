import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Config, ConfigError, helpText, readConfig } from './config.js'

const folder = mkdtempSync(join(tmpdir(), 'pcd-config-'))
const file = join(folder, 'config.toml')
const env = (more: Record<string, string> = {}): Record<string, string> => ({ PC_CONFIG: folder, ...more })
const failure = (run: () => Config): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
  }
  throw new Error('expected a ConfigError')
}

beforeAll(() => writeFileSync(file, 'name = "from-file"\nnetwork = "file-net"\nport = 4000\n'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('readConfig', () => {
  it('takes flag before environment before file before default', () => {
    const config = readConfig(['--name', 'from-flag'], env({ PC_NAME: 'from-env', PC_NETWORK: 'env-net' }))
    expect(config).toMatchObject({
      name: 'from-flag',
      network: 'env-net',
      port: 4000,
      discoveryPort: 3486,
      journal: '',
    })
  })

  it('has the interfaces twin PC_INTERFACES', () => {
    expect(readConfig([], env({ PC_INTERFACES: 'lo,!docker*' })).interfaces).toBe('lo,!docker*')
  })

  it('names the setting, where it was found, and what is expected', () => {
    expect(failure(() => readConfig([], env({ PC_PORT: 'many' })))).toMatch(
      /"port" \(environment PC_PORT\) is "many"; expected TCP/,
    )
    expect(failure(() => readConfig(['--log', 'loud'], env()))).toMatch(/flag --log.*one of trace/)
    expect(failure(() => readConfig(['--colour', 'red'], env()))).toMatch(/--colour[\s\S]*Usage: pcd/)
  })

  it.each([
    ['name = ', /not valid TOML/],
    ['nmae = "x"', /unknown setting "nmae"/],
    ['port = 99999', /"port" \(.*config\.toml\) is 99999/],
  ])('refuses the file %j', (text, says) => {
    const other = mkdtempSync(join(tmpdir(), 'pcd-config-'))
    writeFileSync(join(other, 'config.toml'), text)
    expect(failure(() => readConfig([], { PC_CONFIG: other }))).toMatch(says)
    rmSync(other, { recursive: true })
  })

  it('refuses a named folder without the file', () => {
    expect(failure(() => readConfig([], { PC_CONFIG: '/nonexistent' }))).toMatch(/Cannot read/)
  })

  it('lists every setting with its environment twin', () => {
    expect(helpText()).toMatch(/--discovery-port <value> .*\[PC_DISCOVERY_PORT\]/)
  })
})
