/** `send`, `inbox`, `inbox.follow`, `request`. */
import { type AnyCommand, ArgumentReader, type Command } from '@pc/control'
import type { ReceivedMessage } from '@pc/messaging'
import type { Peer } from '@pc/peer'
import type { Value } from '@pc/wire'
import { toJsonValue } from '../json.js'
import { messageView } from '../views.js'
import type { CommandDependencies } from './dependencies.js'
import { explained } from './errors.js'

const DEFAULT_TIMEOUT_MS = 10_000
const MAX_TIMEOUT_MS = 3_600_000
const DEFAULT_INBOX_LIMIT = 50
const MAX_INBOX_LIMIT = 500

export function messagingCommands({ peer }: CommandDependencies): readonly AnyCommand[] {
  return [sendCommand(peer), inboxCommand(peer), followCommand(peer), requestCommand(peer)]
}

interface SendArguments {
  readonly peer: string
  readonly text: string
  readonly timeoutMs: number
}

function sendCommand(peer: Promise<Peer>): Command<SendArguments, Value> {
  return {
    name: 'send',
    summary: 'Sends a text and answers when the receiver has it.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const parsed = { peer: reader.text('peer'), text: reader.text('text'), timeoutMs: timeoutOf(reader) }
      reader.done()
      return parsed
    },
    run: async ({ peer: to, text, timeoutMs }, { signal }) => {
      const self = await peer
      const started = performance.now()
      return explained(async () => {
        const target = self.find(to)
        const receipt = await self.sendText(target.peerId, text, { timeoutMs, signal })
        await receipt.acknowledged
        const acknowledgedMs = performance.now() - started
        return { id: receipt.id, peer: { label: target.label, id: target.id }, acknowledgedMs }
      })
    },
  }
}

interface InboxArguments {
  readonly after: number | undefined
  readonly limit: number
}

function inboxCommand(peer: Promise<Peer>): Command<InboxArguments, Value> {
  return {
    name: 'inbox',
    summary: 'The latest messages, or those after a sequence number.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const limit = reader.optionalInteger('limit', { min: 1, max: MAX_INBOX_LIMIT }) ?? DEFAULT_INBOX_LIMIT
      const parsed = { after: reader.optionalInteger('after'), limit }
      reader.done()
      return parsed
    },
    run: async ({ after, limit }) => {
      const self = await peer
      const messages = await self.inbox.list({ after: after ?? Math.max(0, self.inbox.last - limit), limit })
      const label = labeller(self)
      return { messages: messages.map((message) => messageView(message, label(message))) }
    },
  }
}

function followCommand(peer: Promise<Peer>): Command<{ after: number | undefined }, Value> {
  return {
    name: 'inbox.follow',
    summary: 'Messages as they arrive, after those that follow a sequence number.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const parsed = { after: reader.optionalInteger('after') }
      reader.done()
      return parsed
    },
    async *run({ after }, { signal }) {
      const self = await peer
      const messages = self.inbox.follow(after === undefined ? { signal } : { after, signal })
      for await (const message of messages) yield messageView(message, labeller(self)(message))
    },
  }
}

interface RequestArguments {
  readonly peer: string
  readonly name: string
  readonly payload: Value
  readonly timeoutMs: number
}

function requestCommand(peer: Promise<Peer>): Command<RequestArguments, Value> {
  return {
    name: 'request',
    summary: 'Asks a peer and answers with its reply.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const parsed = {
        peer: reader.text('peer'),
        name: reader.text('name', { maxLength: 64 }),
        payload: reader.value('payload') ?? null,
        timeoutMs: timeoutOf(reader),
      }
      reader.done()
      return parsed
    },
    run: async ({ peer: to, name, payload, timeoutMs }, { signal }) => {
      const self = await peer
      return explained(async () => {
        const reply = await self.request(self.find(to).peerId, name, payload, { timeoutMs, signal })
        return { reply: toJsonValue(reply as Value) }
      })
    },
  }
}

function timeoutOf(reader: ArgumentReader): number {
  return reader.optionalInteger('timeoutMs', { min: 1, max: MAX_TIMEOUT_MS }) ?? DEFAULT_TIMEOUT_MS
}

/** Labels of senders; who has left the table since is shown by id. */
function labeller(peer: Peer): (message: ReceivedMessage) => string | undefined {
  const labels = new Map(peer.peers().map(({ id, label }) => [id, label]))
  return (message) => labels.get(message.from.toString())
}
