/** The daemon's settings: flag, else environment (`PC_*`), else file, else default. Each is checked, and knows where it came from. */
import { readFileSync, statSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { defaultFolders } from '@pc/control'
import { parse as parseToml, TomlError } from 'smol-toml'
import { z } from 'zod'
import { checkSecret, readSecretFile, refuseOpenToOthers, SecretError } from './network-secret.js'

/** A setting that cannot be used; the text names where it was found and what to write instead. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'BAD_CONFIG'
}

export interface Config {
  readonly name: string
  readonly network: string
  /** What the members of the network share; undefined on an open network. Never in a log, nor in an answer to a client. */
  readonly networkSecret: string | Uint8Array | undefined
  /** As in `PC_INTERFACES`: `eth0,wlan*,!docker*`; empty means all real ones. */
  readonly interfaces: string
  /** What others find this machine by, separated by commas; empty means nothing. */
  readonly capabilities: string
  /** 0: the usual ones in order. */
  readonly port: number
  readonly discoveryPort: number
  /** Keys, pinned names and the control socket; 0700. */
  readonly state: string
  readonly log: LogLevel
  readonly logIds: LogIds
  /** Every received message is appended here, one JSON object a line, before it is acknowledged. Empty: no journal. */
  readonly journal: string
}

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
const LOG_IDS = ['masked', 'full'] as const
/** How peers appear in the log: see `logIds` of the peer's options. */
export type LogIds = (typeof LOG_IDS)[number]

const port = z.coerce.number().int().min(0).max(65_535)

/** As many, and such, as a peer's record may carry. */
const capabilities = z.string().refine((text) => {
  const list = text.split(',')
  return (
    text === '' ||
    (list.length <= 16 && list.every((one) => /^[!-~]{1,32}$/.test(one)) && new Set(list).size === list.length)
  )
})

const SETTINGS = {
  name: { schema: z.string().min(1).max(64), help: 'what other people see' },
  network: { schema: z.string().min(1).max(64), help: 'peers of other networks are not seen' },
  interfaces: { schema: z.string(), help: 'interfaces to use, such as eth0,wlan*,!docker*' },
  capabilities: { schema: capabilities, help: 'what others find this machine by, such as printer,scanner' },
  port: { schema: port, help: 'TCP and UDP port; 0 takes 3485 or the next free one' },
  discoveryPort: { schema: port.min(1), help: 'shared UDP port of announcements' },
  state: { schema: z.string().min(1), help: 'folder of key, names and control socket' },
  log: { schema: z.enum(LOG_LEVELS), help: `one of ${LOG_LEVELS.join(', ')}` },
  logIds: { schema: z.enum(LOG_IDS), help: 'masked or full: how ids appear in the log' },
  journal: { schema: z.string(), help: 'file that keeps every received message' },
} satisfies Record<Exclude<keyof Config, 'networkSecret'>, { schema: z.ZodType; help: string }>

/** Apart from the other settings: no flag has it, and no text shows it. */
const SECRET = { name: 'network-secret', variable: 'PC_NETWORK_SECRET', flag: 'network-secret-file' } as const

type Setting = keyof typeof SETTINGS

/** Reads all sources; throws {@link ConfigError} with one sentence about the first setting that is wrong. */
export function readConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const flags = readFlags(argv)
  const folders = defaultFolders(env, process.platform, homedir())
  const given = flags.config ?? env.PC_CONFIG
  const file = readFile(join(given ?? folders.config, 'config.toml'), given !== undefined)
  const defaults: Omit<Config, 'networkSecret'> = {
    name: asName(hostname()),
    network: 'peerconnect',
    interfaces: '',
    capabilities: '',
    port: 0,
    discoveryPort: 3486,
    state: folders.state,
    log: process.stderr.isTTY ? 'warn' : 'info',
    logIds: 'masked',
    journal: '',
  }
  const chosen: Record<string, unknown> = {}
  for (const setting of Object.keys(SETTINGS) as Setting[]) {
    const [value, origin] = pick(setting, flags, env, file, defaults)
    const result = SETTINGS[setting].schema.safeParse(value)
    if (!result.success) {
      throw new ConfigError(
        `Setting "${setting}" (${origin}) is ${JSON.stringify(value)}; expected ${SETTINGS[setting].help}.`,
      )
    }
    chosen[setting] = result.data
  }
  chosen.networkSecret = secretFrom(flags, env, file)
  return chosen as unknown as Config
}

export function helpText(): string {
  const lines = (Object.keys(SETTINGS) as Setting[]).map(
    (setting) => `  --${flagOf(setting)} <value>`.padEnd(30) + `${SETTINGS[setting].help}  [${envOf(setting)}]`,
  )
  return [
    'Usage: pcd [options]',
    '',
    ...lines,
    `  --${SECRET.flag} <path>`.padEnd(30) +
      ` file, yours alone, with what the members share  [${SECRET.variable}: the secret]`,
    '  --config <folder>'.padEnd(30) + 'folder with config.toml, these settings as TOML  [PC_CONFIG]',
    '  --help',
    '',
  ].join('\n')
}

type Flags = Partial<Record<Setting | 'config' | 'secretFile', string>> & { help?: boolean }

function readFlags(argv: readonly string[]): Flags {
  const names = Object.keys(SETTINGS) as Setting[]
  const options = Object.fromEntries(
    [...names.map(flagOf), 'config', SECRET.flag].map((flag) => [flag, { type: 'string' as const }]),
  )
  try {
    const { values } = parseArgs({ args: [...argv], options, strict: true, allowPositionals: false })
    const flags: Flags = {}
    for (const name of [...names, 'config' as const]) {
      const value = values[name === 'config' ? 'config' : flagOf(name)]
      if (typeof value === 'string') flags[name] = value
    }
    const secretFile = values[SECRET.flag]
    if (typeof secretFile === 'string') flags.secretFile = secretFile
    return flags
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : String(error)}\n\n${helpText()}`, {
      cause: error,
    })
  }
}

interface SettingsFile {
  readonly path: string
  readonly values: Readonly<Record<string, unknown>>
  /** As it stands there, unchecked. */
  readonly secret?: unknown
}

/** A file that is usual may be missing; in a folder that somebody named it may not. */
function readFile(file: string, required: boolean): SettingsFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (missing && !required) return { path: file, values: {} }
    throw new ConfigError(`Cannot read the settings file ${file}: ${(error as Error).message}.`, { cause: error })
  }
  try {
    const { [SECRET.name]: secret, ...values } = parseToml(text)
    const unknown = Object.keys(values).find((key) => !(key in SETTINGS))
    if (unknown !== undefined) {
      const known = [...Object.keys(SETTINGS), SECRET.name].join(', ')
      throw new ConfigError(`${file}: unknown setting "${unknown}"; expected one of ${known}.`)
    }
    return { path: file, values, secret }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // Its other lines, and its cause, show the text around the fault: perhaps the secret.
    const [what = ''] = error.message.split('\n')
    throw new ConfigError(`${file} is not valid TOML: ${what} (line ${error.line}, column ${error.column}).`)
  }
}

/** The file of the flag, else the environment, else the settings file. */
function secretFrom(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
  file: SettingsFile,
): string | Uint8Array | undefined {
  const path = flags.secretFile
  if (path !== undefined) return secretOf(`flag --${SECRET.flag}, ${path}`, () => readSecretFile(path))
  const given = env[SECRET.variable]
  if (given !== undefined && given !== '') return secretOf(`environment ${SECRET.variable}`, () => checkSecret(given))
  if (file.secret === undefined) return undefined
  return secretOf(file.path, () => {
    refuseOpenToOthers(statSync(file.path).mode)
    return checkSecret(file.secret)
  })
}

function secretOf(origin: string, read: () => string | Uint8Array): string | Uint8Array {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SecretError)) throw error
    throw new ConfigError(`Setting "${SECRET.name}" (${origin}) cannot be used: ${error.message}.`)
  }
}

function pick(
  setting: Setting,
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
  file: SettingsFile,
  defaults: Omit<Config, 'networkSecret'>,
): [value: unknown, origin: string] {
  if (flags[setting] !== undefined) return [flags[setting], `flag --${flagOf(setting)}`]
  const variable = env[envOf(setting)]
  if (variable !== undefined && variable !== '') return [variable, `environment ${envOf(setting)}`]
  if (setting in file.values) return [file.values[setting], file.path]
  return [defaults[setting], 'default']
}

function flagOf(setting: Setting): string {
  return setting.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

function envOf(setting: Setting): string {
  return `PC_${flagOf(setting).replaceAll('-', '_').toUpperCase()}`
}

/** The first label of the host name, in characters a name may have. */
function asName(host: string): string {
  const [label = ''] = host.split('.')
  return label.replace(/[^\p{L}\p{N}._-]/gu, '-').slice(0, 40) || 'peer'
}
