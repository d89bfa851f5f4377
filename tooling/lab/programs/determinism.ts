/** A run is a function of its seed: two fresh processes in other places and times give one trace hash; other seeds give others. */
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { fromSource } from '../../steps.js'
import type { Program, ProgramContext } from '../scenario.js'

interface Circumstances {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

interface Ended {
  readonly hash: string
  readonly pass: boolean
  /** When it did not pass, or said nothing that can be read. */
  readonly output: string
}

const YEAR_MS = 31_557_600_000
const PRELOAD = pathToFileURL(fileURLToPath(new URL('other-day.mjs', import.meta.url))).href

const HERE: Circumstances = { env: { TZ: 'UTC', LANG: 'C', LC_ALL: 'C', OTHER_DAY_MS: '0' }, cwd: process.cwd() }
const ELSEWHERE: Circumstances = {
  env: { TZ: 'Pacific/Kiritimati', LANG: 'sv_SE.UTF-8', LC_ALL: 'sv_SE.UTF-8', OTHER_DAY_MS: String(-7 * YEAR_MS) },
  cwd: tmpdir(),
}

export const determinism: Program = {
  kind: 'program',
  name: 'determinism',
  summary:
    'one seed in two fresh processes with other time zone, date, locale and folder gives one trace; 20 seeds give 20',
  options: {
    nodes: { help: 'peers of each swarm', min: 2, max: 50, whole: true, default: 6 },
    minutes: { help: 'length of the storm of each swarm', min: 0.1, max: 60, default: 1 },
    distinct: { help: 'different seeds', min: 1, max: 1_000, whole: true, default: 20 },
  },
  run: async (context: ProgramContext) => {
    const { seed, say } = context
    const [here, elsewhere] = await Promise.all([playSwarm(context, seed, HERE), playSwarm(context, seed, ELSEWHERE)])
    say(`seed ${seed} here:      ${here.hash}`)
    say(`seed ${seed} elsewhere: ${elsewhere.hash}`)
    const count = Number(context.options.distinct)
    // The seed itself, and others made from it.
    const seeds = Array.from({ length: count }, (_, index) => (index === 0 ? seed : `${seed}/${index}`))
    const hashes = new Map([[seed, here.hash]])
    const ends = [here, elsewhere]
    const waiting = seeds.slice(1)
    const lane = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const ended = await playSwarm(context, next, HERE)
        ends.push(ended)
        hashes.set(next, ended.hash)
        say(`${hashes.size} of ${count} seeds: ${next}: ${ended.hash}`)
      }
    }
    await Promise.all([lane(), lane()])
    const failed = ends.filter(({ pass }) => !pass)
    for (const { output } of failed) say(output)
    const figures = {
      same_seed_equal: here.hash === elsewhere.hash ? 1 : 0,
      distinct_hashes: new Set(hashes.values()).size,
    }
    const pass = figures.same_seed_equal === 1 && figures.distinct_hashes === count && failed.length === 0
    return { pass, figures, more: { trace: here.hash } }
  },
}

/** A swarm under faults with whole peers, in a process of its own. */
function playSwarm({ options }: ProgramContext, seed: string, { env, cwd }: Circumstances): Promise<Ended> {
  const size = ['--nodes', String(options.nodes), '--minutes', String(options.minutes)]
  const [node = process.execPath, ...source] = fromSource(
    'tooling/lab/main.ts',
    'swarm',
    '--seed',
    seed,
    ...size,
    '--json',
  )
  return new Promise((resolve, reject) => {
    const child = spawn(node, ['--import', PRELOAD, ...source], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [output, said] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    child.on('error', reject)
    child.on('close', (code) => {
      const { trace, pass } = resultOf(output)
      resolve({ hash: trace ?? `none (exit ${code})`, pass: pass === true, output: said })
    })
  })
}

function resultOf(output: string): { trace?: string; pass?: boolean } {
  const line = output.trimEnd().split('\n').at(-1) ?? ''
  return line.startsWith('{') ? (JSON.parse(line) as { trace?: string; pass?: boolean }) : {}
}
