/** A peer as programs make it, with the built packages: asks others by sealed datagrams, serves them, and says how it fares. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createIdentity, PeerId } from '@pc/identity'
import { createPeer, type Peer } from '@pc/peer'
import { serve } from './serve.js'

/** What became of calls: by sealed datagrams, or for comparison by the control connection. */
export interface Tally {
  readonly asked: number
  readonly answered: number
  /** Codes of the errors with their counts. */
  readonly failures: Readonly<Record<string, number>>
}

/** The first root code that belongs to programs. */
const ROOT_CODE = 0x80
const NAME = 'served'
const ANSWER = 'served'

let peer: Peer | undefined

export const handlers = {
  /** Uses every interface, as without settings. */
  async start(args: { name: string; network: string; control: boolean }): Promise<{ id: string; port: number }> {
    peer = await createPeer({ identity: createIdentity(), name: args.name, network: args.network })
    if (args.control) peer.handle(NAME, { access: 'anyone' }, () => ANSWER)
    else peer.requests.register(ROOT_CODE, { access: 'anyone' }, () => ANSWER)
    return { id: peer.id.toString(), port: peer.status().port }
  },

  online(): number {
    return running()
      .peers()
      .filter(({ state }) => state === 'online').length
  },

  /** One call to each of these peers every so often for so long; waits for the last. */
  async ask(args: {
    peers: readonly string[]
    ms: number
    everyMs: number
    timeoutMs: number
    control: boolean
  }): Promise<Tally> {
    const ids = args.peers.map((id) => PeerId.parse(id))
    const calls: Promise<string | undefined>[] = []
    const started = performance.now()
    for (let round = 1; performance.now() - started < args.ms; round++) {
      for (const id of ids) calls.push(failureOf(call(id, args)))
      await pause(started + round * args.everyMs - performance.now())
    }
    const failures: Record<string, number> = {}
    for (const code of await Promise.all(calls)) {
      if (code !== undefined) failures[code] = (failures[code] ?? 0) + 1
    }
    const failed = Object.values(failures).reduce((sum, count) => sum + count, 0)
    return { asked: calls.length, answered: calls.length - failed, failures }
  },

  /** Bytes in use once everything unused is collected. */
  heap(): number {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    collect()
    collect()
    return process.memoryUsage().heapUsed
  },

  counters(): Readonly<Record<string, number>> {
    return running().status().counters
  },

  /** Of this process since its start. */
  cpuMs(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  },

  /** Sessions, handshakes and what else is kept of datagrams, by kind. */
  kept(): Readonly<Record<string, number>> {
    return { ...running().requests.size }
  },
}

async function call(to: PeerId, { timeoutMs, control }: { timeoutMs: number; control: boolean }): Promise<unknown> {
  if (control) return running().request(to, NAME, null, { timeoutMs })
  return running().requests.submit(to, ROOT_CODE, NAME, { timeoutMs })
}

/** Undefined: it was answered, and rightly. */
async function failureOf(answer: Promise<unknown>): Promise<string | undefined> {
  try {
    return (await answer) === ANSWER ? undefined : 'WRONG_ANSWER'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

function running(): Peer {
  if (peer === undefined) throw new Error('it was not started')
  return peer
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)))
}

serve(handlers)
