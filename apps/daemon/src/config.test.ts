import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

  it('masks ids in logs unless they are wanted in full', () => {
    expect(readConfig([], env()).logIds).toBe('masked')
    expect(readConfig([], env({ PC_LOG_IDS: 'full' })).logIds).toBe('full')
    expect(readConfig(['--log-ids', 'full'], env()).logIds).toBe('full')
    expect(failure(() => readConfig(['--log-ids', 'none'], env()))).toMatch(/flag --log-ids.*masked or full/)
  })

  it('takes what a record can carry for capabilities', () => {
    expect(readConfig([], env()).capabilities).toBe('')
    expect(readConfig(['--capabilities', 'printer,a-3+'], env()).capabilities).toBe('printer,a-3+')
    const tooMany = Array.from({ length: 17 }, (_, index) => `c${index}`).join()
    for (const text of ['printer,', 'a,b,a', 'two words', 'x'.repeat(33), 'ü', tooMany]) {
      expect(failure(() => readConfig([], env({ PC_CAPABILITIES: text })))).toMatch(/"capabilities".*such as printer/)
    }
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

describe('the network secret', () => {
  const secret = 'correct horse battery'
  const privateFolder = (text: string, mode = 0o600): string => {
    const other = mkdtempSync(join(tmpdir(), 'pcd-config-'))
    writeFileSync(join(other, 'config.toml'), text, { mode })
    writeFileSync(join(other, 'secret'), `${secret} of the file\n`, { mode })
    folders.push(other)
    return other
  }
  const folders: string[] = []
  afterAll(() => {
    for (const other of folders) rmSync(other, { recursive: true })
  })

  it("comes from the flag's file, else the environment, else the settings file, else there is none", () => {
    const PC_CONFIG = privateFolder(`network-secret = "${secret} of TOML"\n`)
    const flag = ['--network-secret-file', join(PC_CONFIG, 'secret')]
    const variable = { PC_CONFIG, PC_NETWORK_SECRET: `${secret} of the environment` }
    expect(Buffer.from(readConfig(flag, variable).networkSecret ?? '').toString()).toBe(`${secret} of the file`)
    expect(readConfig([], variable).networkSecret).toBe(`${secret} of the environment`)
    expect(readConfig([], { PC_CONFIG, PC_NETWORK_SECRET: '' }).networkSecret).toBe(`${secret} of TOML`)
    expect(readConfig([], env()).networkSecret).toBeUndefined()
  })

  it('in a file is every byte but one line break at the end', () => {
    const other = privateFolder('')
    const path = join(other, 'secret')
    for (const [text, read] of [
      ['12345678', '12345678'],
      ['12345678\r\n', '12345678'],
      ['12345678\n\n', '12345678\n'],
      [' 1234567 ', ' 1234567 '],
    ] as const) {
      writeFileSync(path, text)
      const { networkSecret } = readConfig(['--network-secret-file', path], env())
      expect(Buffer.from(networkSecret ?? '').toString()).toBe(read)
    }
  })

  it.runIf(process.platform !== 'win32')('is refused in a file that others may open', () => {
    for (const mode of [0o640, 0o604, 0o620]) {
      const other = privateFolder(`network-secret = "${secret}"\n`)
      chmodSync(join(other, 'secret'), mode)
      chmodSync(join(other, 'config.toml'), mode)
      const says = new RegExp(`"network-secret" .*other users.*mode 0${mode.toString(8)}.*chmod 600`)
      expect(failure(() => readConfig(['--network-secret-file', join(other, 'secret')], env()))).toMatch(says)
      expect(failure(() => readConfig([], { PC_CONFIG: other }))).toMatch(says)
    }
    // Without a secret in it the settings file may be read by everybody.
    expect(readConfig([], env()).name).toBe('from-file')
  })

  it('is refused with a reason and without a word of it', () => {
    const long = 'x'.repeat(1_025)
    const failures = [
      failure(() => readConfig([], env({ PC_NETWORK_SECRET: 'hunter2' }))),
      failure(() => readConfig([], env({ PC_NETWORK_SECRET: long }))),
      failure(() => readConfig([], { PC_CONFIG: privateFolder('network-secret = "hunter2"') })),
      failure(() => readConfig([], { PC_CONFIG: privateFolder('network-secret = 12345678901') })),
      failure(() => readConfig([], { PC_CONFIG: privateFolder(`network-secret = "hunter2-and-more\nname = "x"`) })),
      failure(() => readConfig(['--network-secret', 'hunter2'], env())),
      failure(() => readConfig(['--network-secret=hunter2'], env())),
      failure(() => readConfig(['--network-secret-file', '/nonexistent'], env())),
      failure(() => readConfig(['--network-secret-file', folder], env())),
    ]
    for (const text of failures) expect(text).not.toMatch(/hunter2|12345678901|xxxx/)
    expect(failures.map((text) => text.split('\n')[0])).toEqual([
      expect.stringMatching(/environment PC_NETWORK_SECRET.* 7 bytes; expected 8 to 1024/),
      expect.stringMatching(/ 1025 bytes/),
      expect.stringMatching(/config\.toml.* 7 bytes/),
      expect.stringMatching(/no text/),
      expect.stringMatching(/not valid TOML.*line 1/),
      expect.stringMatching(/--network-secret/),
      expect.stringMatching(/--network-secret/),
      expect.stringMatching(/flag --network-secret-file, \/nonexistent.*cannot be read/),
      expect.stringMatching(/it is no file/),
    ])
  })

  it('has a line in the help, which says that it is a file', () => {
    expect(helpText()).toMatch(/--network-secret-file <path> .*\[PC_NETWORK_SECRET/)
  })
})
