/** How fast the laboratory is: whole peers in full mesh, and the simulated network alone with datagrams. */
import { SeededRandom, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import { addressOf } from '../addresses.js'
import { allOnline, notOnline } from '../everybody.js'
import type { Lab } from '../lab.js'
import { headline } from '../print.js'
import { runScenario } from '../run.js'
import type { Program, ProgramContext, Scenario } from '../scenario.js'
import { DEFAULT_WEATHER } from '../weather.js'

const MINUTE_MS = 60_000
/** Until the compiler has seen everything, and discovery has become quiet. */
const WARM_UP_MS = MINUTE_MS
const MESSAGE_EVERY_MS = 10_000
/** Datagrams under way at the same time in the network alone. */
const UNDER_WAY_PER_HOST = 20

export const speed: Program = {
  kind: 'program',
  name: 'speed',
  summary: 'virtual time per real time with whole peers, and events per second of the simulated network alone',
  options: {
    nodes: { help: 'peers in full mesh', min: 2, max: 500, whole: true, default: 50 },
    minutes: { help: 'measured minutes of virtual time', min: 0.1, max: 600, default: 5 },
    datagrams: {
      help: 'datagrams of the network alone',
      min: 1_000,
      max: 100_000_000,
      whole: true,
      default: 2_000_000,
    },
  },
  run: async (context: ProgramContext) => {
    const measured: Measured = { virtualMs: 0, messages: 0, took: { realMs: 0, cpuMs: 0 } }
    const run = await runScenario(meshed(context, measured), { seed: context.seed, options: context.options })
    for (const failure of run.failures) context.say(headline(failure))
    const perReal = measured.virtualMs / measured.took.realMs
    const alone = await datagramsAlone(context)
    const eventsPerS = (alone.events * 1_000) / alone.took.realMs
    const figures = {
      virtual_per_real: Math.round(perReal * 10) / 10,
      virtual_per_cpu: Math.round((measured.virtualMs * 10) / measured.took.cpuMs) / 10,
      events_per_s: Math.round(eventsPerS),
      events_per_cpu_s: Math.round((alone.events * 1_000) / alone.took.cpuMs),
      messages: measured.messages,
      timers_per_virtual_s: Math.round(run.events / (run.virtualMs / 1_000)),
    }
    context.say(`virtual_per_real at least 50, events_per_s at least 500000 expected`)
    return { pass: run.pass && perReal >= 50 && eventsPerS >= 500_000, figures, more: { trace: run.hash } }
  },
}

/** Real time, and that of the processors: the second says more while other programs run. */
interface Took {
  readonly realMs: number
  readonly cpuMs: number
}

interface Measured {
  virtualMs: number
  messages: number
  took: Took
}

/** Starts to measure; what it returns says how long that is ago. */
function stopwatch(): () => Took {
  const [realAt, cpuAt] = [performance.now(), process.cpuUsage()]
  return () => {
    const { user, system } = process.cpuUsage(cpuAt)
    return { realMs: performance.now() - realAt, cpuMs: (user + system) / 1_000 }
  }
}

function meshed({ options }: ProgramContext, measured: Measured): Scenario {
  return {
    kind: 'scenario',
    name: 'speed',
    summary: '',
    options: {},
    run: async (lab: Lab) => {
      const random = lab.random.stream('speed')
      for (let node = 0; node < Number(options.nodes); node++) {
        const machine = lab.machine()
        lab.clock.setTimeout(() => void machine.start(), random.float() * 5_000)
      }
      await lab.sleep(5_000)
      await lab.until(
        'full mesh',
        () => allOnline(lab),
        120_000,
        () => `${notOnline(lab).length} pairs are missing`,
      )
      const until = lab.now() + WARM_UP_MS + Number(options.minutes) * MINUTE_MS
      const chatter = lab.machines.map(async (machine) => {
        await lab.sleep(random.float() * MESSAGE_EVERY_MS)
        while (lab.now() < until) {
          const call = await machine.ready?.send(random.pick(lab.machines.filter((other) => other !== machine)), {
            bytes: 100,
          })
          lab.check('every message is acknowledged', call?.outcome === 'done', JSON.stringify(call))
          await lab.sleep(MESSAGE_EVERY_MS)
        }
      })
      await lab.sleep(WARM_UP_MS)
      const [virtualAt, before, took] = [lab.now(), lab.recorder.history.stored.length, stopwatch()]
      await lab.sleep(until - lab.now())
      measured.virtualMs = lab.now() - virtualAt
      measured.took = took()
      measured.messages = lab.recorder.history.stored.length - before
      lab.check('the mesh stays full', notOnline(lab).length === 0, () => notOnline(lab).join(', '))
      await Promise.all(chatter)
    },
  }
}

/** Every host passes each datagram that it gets on to a host drawn by chance: one event is one datagram sent, carried and delivered. */
async function datagramsAlone({ seed, options }: ProgramContext): Promise<{ events: number; took: Took }> {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const network = new SimulatedNetwork<string>({ clock, random, ...DEFAULT_WEATHER })
  const [port, payload] = [7_000, random.bytes(200)]
  const hosts = Array.from({ length: Number(options.nodes) }, (_, index) =>
    network.host({ id: `h${index}`, interfaces: [{ address: addressOf(index, 0), netmask: '255.0.0.0' }] }),
  )
  const targets = hosts.map((_, index) => ({ host: addressOf(index, 0), port }))
  const next = random.stream('targets')
  let handled = 0
  const sockets = await Promise.all(
    hosts.map((_, index) =>
      hosts[index]?.bind({ host: addressOf(index, 0), port }, (bytes) => {
        handled += 1
        void sockets[index]?.send(bytes, next.pick(targets))
      }),
    ),
  )
  for (const socket of sockets) {
    for (let one = 0; one < UNDER_WAY_PER_HOST; one++) await socket?.send(payload, next.pick(targets))
  }
  const wanted = Number(options.datagrams)
  // A tenth of it first, for the compiler.
  while (handled < wanted / 10) clock.advanceSync(10)
  const [from, took] = [handled, stopwatch()]
  while (handled < from + wanted) clock.advanceSync(10)
  return { events: handled - from, took: took() }
}
