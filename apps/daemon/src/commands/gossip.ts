/** `broadcast`, `watch`: news for everybody. `search`: who is called so, or can do that. */
import { type AnyCommand, ArgumentReader, type Command } from '@pc/control'
import type { Peer } from '@pc/peer'
import type { Value } from '@pc/wire'
import { knownPeers, MAX_SHOWN_BODY, newsView, recordView } from '../views.js'
import type { CommandDependencies } from './dependencies.js'
import { explained } from './errors.js'

const DEFAULT_TOPIC = 'news'
const MAX_TOPIC = 64
const MAX_TTL_MS = 600_000
const MAX_QUERY = 256
const MAX_DEADLINE_MS = 30_000
const MAX_MATCHES = 1_000

export function gossipCommands({ peer }: CommandDependencies): readonly AnyCommand[] {
  return [broadcastCommand(peer), watchCommand(peer), searchCommand(peer)]
}

interface BroadcastArguments {
  readonly topic: string
  readonly text: string
  readonly ttlMs: number | undefined
}

function broadcastCommand(peer: Promise<Peer>): Command<BroadcastArguments, Value> {
  return {
    name: 'broadcast',
    summary: 'Tells everybody a text; answers when it is on its way. Nobody says who got it.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const parsed = {
        topic: reader.optionalText('topic', { maxLength: MAX_TOPIC }) ?? DEFAULT_TOPIC,
        text: reader.text('text', { maxLength: MAX_SHOWN_BODY }),
        ttlMs: reader.optionalInteger('ttlMs', { min: 1, max: MAX_TTL_MS }),
      }
      reader.done()
      return parsed
    },
    run: async ({ topic, text, ttlMs }) => {
      const self = await peer
      return explained(() => {
        const id = self.gossip.publish(topic, text, ttlMs === undefined ? {} : { ttlMs })
        const online = self.status().gossip?.peers ?? 0
        return { id: Buffer.from(id).toString('hex'), topic, online }
      })
    },
  }
}

function watchCommand(peer: Promise<Peer>): Command<{ topic: string | undefined }, Value> {
  return {
    name: 'watch',
    summary: 'News of others as they come, of one topic or of all.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const parsed = { topic: reader.optionalText('topic', { maxLength: MAX_TOPIC }) }
      reader.done()
      return parsed
    },
    async *run({ topic }, { signal }) {
      const self = await peer
      const news = await explained(() => self.gossip.subscribe(topic === undefined ? { signal } : { topic, signal }))
      for await (const message of news) yield newsView(message, knownPeers(self))
    },
  }
}

interface SearchArguments {
  readonly text: string
  readonly limit: number | undefined
  readonly deadlineMs: number | undefined
}

function searchCommand(peer: Promise<Peer>): Command<SearchArguments, Value> {
  return {
    name: 'search',
    summary: 'Other peers of such a name or such capabilities, one item each, as they answer.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const parsed = {
        text: reader.text('text', { maxLength: MAX_QUERY }),
        limit: reader.optionalInteger('limit', { min: 1, max: MAX_MATCHES }),
        deadlineMs: reader.optionalInteger('deadlineMs', { min: 1, max: MAX_DEADLINE_MS }),
      }
      reader.done()
      return parsed
    },
    async *run({ text, limit, deadlineMs }, { signal }) {
      const self = await peer
      const matches = await explained(() =>
        self.gossip.search(text, {
          signal,
          ...(limit === undefined ? {} : { limit }),
          ...(deadlineMs === undefined ? {} : { deadlineMs }),
        }),
      )
      try {
        for (;;) {
          const next = await explained(() => matches.next())
          if (next.done === true) return
          const { record, matched } = next.value
          const { name, capabilities } = matched
          yield { ...recordView(record, self, knownPeers(self)), matched: { name, capabilities: [...capabilities] } }
        }
      } finally {
        await matches.return()
      }
    },
  }
}
