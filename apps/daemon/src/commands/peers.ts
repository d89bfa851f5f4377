/** `peers`, `peers.watch`, `ping`: who is there. */
import { type AnyCommand, ArgumentReader, type Command } from '@pc/control'
import { formatAddress } from '@pc/transport'
import type { Value } from '@pc/wire'
import { peerView } from '../views.js'
import type { CommandDependencies } from './dependencies.js'
import { explained } from './errors.js'
import { pause } from './pause.js'

interface PingArguments {
  readonly peer: string
  readonly count: number
  readonly intervalMs: number
  readonly timeoutMs: number
}

const DEFAULT_INTERVAL_MS = 1_000
const DEFAULT_TIMEOUT_MS = 5_000
/** Events of a peer that `peers.watch` passes on. */
const CHANGES: ReadonlySet<string> = new Set(['up', 'back', 'checking', 'offline', 'name-conflict'])

export function peersCommands({ peer }: CommandDependencies): readonly AnyCommand[] {
  const peers: Command<undefined, Value> = {
    name: 'peers',
    summary: 'Everybody known, online first.',
    parse: (args) => {
      new ArgumentReader(args).done()
      return undefined
    },
    run: async () => ({ peers: (await peer).peers().map(peerView) }),
  }
  const watch: Command<undefined, Value> = {
    name: 'peers.watch',
    summary: 'Everybody known, then every change as it comes, until cancelled.',
    parse: (args) => {
      new ArgumentReader(args).done()
      return undefined
    },
    async *run(_, { signal }) {
      const self = await peer
      // Before the list is read, so that nothing falls between.
      const changes = self.events({ signal })
      for (const one of self.peers()) yield { change: 'known', peer: peerView(one) }
      for await (const event of changes) {
        if (event.type === 'forgotten') yield { change: 'forgotten', peer: { id: event.id.toString() } }
        else if (CHANGES.has(event.type) && 'peer' in event) yield { change: event.type, peer: peerView(event.peer) }
      }
    },
  }
  const ping: Command<PingArguments, Value> = {
    name: 'ping',
    summary: 'Round trips by datagram, or over the control connection when none comes through; one item each.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const parsed = {
        peer: reader.text('peer'),
        count: reader.optionalInteger('count', { min: 1, max: 1_000_000 }) ?? 1,
        intervalMs: reader.optionalInteger('intervalMs', { max: 3_600_000 }) ?? DEFAULT_INTERVAL_MS,
        timeoutMs: reader.optionalInteger('timeoutMs', { min: 1, max: 3_600_000 }) ?? DEFAULT_TIMEOUT_MS,
      }
      reader.done()
      return parsed
    },
    async *run({ peer: text, count, intervalMs, timeoutMs }, { signal }) {
      const self = await peer
      const target = await explained(() => self.find(text))
      for (let sequence = 1; sequence <= count; sequence += 1) {
        if (sequence > 1) await pause(intervalMs, signal)
        const pong = await explained(() => self.ping(target.peerId, { timeoutMs, signal }))
        const { path, roundTripMs } = pong
        const address = pong.address === undefined ? null : formatAddress(pong.address)
        yield { sequence, path, roundTripMs, address, peer: { id: target.id, label: target.label } }
      }
    },
  }
  return [peers, watch, ping]
}
