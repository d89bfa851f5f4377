import type { PeerId } from '@pc/identity'
import { Messaging, type MessagingConnection, type MessagingConnector, MessagingError } from '@pc/messaging'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import {
  decodeMessage,
  encodeMessage,
  FrameDecoder,
  InvalidPacketError,
  MAX_CONTROL_FRAME,
  type Message,
  type Value,
  WireError,
} from '@pc/wire'
import { frames } from '../mutate/shape.js'
import { errors, nothing, type Target } from '../target.js'
import { errorsInto } from './error-log.js'
import { bytesOf, frame, join, linesOf, VALUES } from './seeds.js'
import { turn } from './streams.js'
import { BEN } from './transport.js'

const HEADERS = ['pc/request', 'pc/reply', 'pc/error', 'pc/cancel', 'pc/message', 'pc/ack']
const EPOCH = new Uint8Array(8).fill(4)
/** What `StillRandom` draws for the one stream of a life. */
const OWN_EPOCH = new Uint8Array(8).fill(6)

/** A connection whose other side is the input. Really encodes what is sent. */
class Line implements MessagingConnection {
  readonly peer: PeerId = BEN.id
  readonly remoteAddress = { host: '10.0.0.2', port: 3485 }
  readonly #frames: Uint8Array[] = []
  readonly closed: Promise<unknown>
  end: (reason: unknown) => void = () => {}
  #id = 0

  constructor() {
    this.closed = new Promise((resolve) => {
      this.end = resolve
    })
  }

  /** Decoded when somebody looks: the handler under test does not do that. */
  get sent(): Message[] {
    return this.#frames.map((bytes) => decodeMessage(bytes))
  }

  nextId(): number {
    return ++this.#id
  }

  async send(header: string, id: number, body: Value): Promise<void> {
    const bytes = encodeMessage({ header, id, version: 1, body, peerId: null })
    if (bytes.length > MAX_CONTROL_FRAME) throw new WireError('TOO_LARGE', `${bytes.length} bytes`)
    this.#frames.push(bytes)
  }

  ping(): Promise<number> {
    return Promise.resolve(1)
  }
}

/** Always one connection with one peer; a new one when asked for. */
class Exchange implements MessagingConnector {
  line = new Line()
  #listener: ((connection: MessagingConnection, message: Message) => void) | undefined
  readonly events = {
    on: (_event: 'frame', listener: (connection: MessagingConnection, message: Message) => void): unknown => {
      this.#listener = listener
      return undefined
    },
    off: (): unknown => undefined,
  }

  control(): Promise<MessagingConnection> {
    return Promise.resolve(this.line)
  }

  current(): MessagingConnection {
    return this.line
  }

  /** The whole frames of the input, up to the first that a connection would not let through. */
  say(input: Uint8Array): void {
    try {
      for (const payload of new FrameDecoder({ maxLength: MAX_CONTROL_FRAME + 4 }).push(input))
        this.#listener?.(this.line, decodeMessage(payload))
    } catch (error) {
      if (!(error instanceof InvalidPacketError)) throw error
    }
  }

  renew(): void {
    this.line.end({ code: 'FAILED', polite: false })
    this.line = new Line()
  }
}

const receiver: Target = {
  name: 'messaging/receiver',
  conversation: true,
  about: 'requests, messages, cancellations of a peer that keeps no rules',
  covers: ['@pc/messaging Messaging'],
  shape: frames(HEADERS),
  seeds: () => [
    ...VALUES.map((body, id) => frame('pc/request', id + 1, { name: 'echo', ttl: 1_000, body })),
    ...VALUES.map((body, index) => frame('pc/message', index + 1, message(index + 1, 'note', body))),
    join(frame('pc/request', 1, { name: 'wait', ttl: 5, body: 1 }), frame('pc/cancel', 1, null)),
    join(...[1, 2, 2, 5, 4].map((seq) => frame('pc/message', seq, message(seq, 'text', `number ${seq}`)))),
    join(...[1, 2, 3].map((id) => frame('pc/request', id, { name: 'fail', ttl: 10, body: id }))),
    ...vectorFrames(),
  ],
  allows: nothing,
  open() {
    const clock = new VirtualClock()
    const exchange = new Exchange()
    const logged: unknown[] = []
    const made = Messaging.create({
      connector: exchange,
      clock,
      random: new SeededRandom('fuzz'),
      inbox: { maxMessages: 100 },
      logger: errorsInto(logged),
    })
    made.handle<Value, Value>('echo', { access: 'anyone' }, (input) => input)
    made.handle<Value, Value>('fail', { access: 'anyone' }, () => Promise.reject(new Error('on purpose')))
    made.handle<Value, Value>('denied', { access: 'trusted' }, (input) => input)
    made.handle<Value, Value>(
      'wait',
      { access: 'anyone' },
      (_input, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        }),
    )
    made.onMessage<Value>('note', { access: 'anyone' }, () => {})
    let epoch = 0
    return {
      prepare() {
        logged.length = 0
        exchange.renew()
      },
      async handle(input) {
        exchange.say(input)
        await turn()
      },
      async verify() {
        await clock.advance(20)
        return logged.length === 0 ? undefined : `it logged an error: ${String(logged[0]).slice(0, 300)}`
      },
      async alive() {
        exchange.renew()
        const own = new Uint8Array(8)
        new DataView(own.buffer).setUint32(0, ++epoch)
        exchange.say(
          join(
            frame('pc/request', 7, { name: 'echo', ttl: 1_000, body: 'x' }),
            frame('pc/message', 8, { ...message(1, 'text', 'y'), epoch: own }),
          ),
        )
        await turn()
        const answers = exchange.line.sent.map(({ header, id }) => `${header} ${typeof id === 'number' ? id : '?'}`)
        return answers.includes('pc/reply 7') && answers.some((one) => one.startsWith('pc/ack'))
          ? undefined
          : `the answers are ${answers.join(', ')}`
      },
      close: () => closed(made, clock),
    }
  },
}

const sender: Target = {
  name: 'messaging/sender',
  conversation: true,
  about: 'lying answers to a request and to messages that are under way',
  covers: ['@pc/messaging Messaging'],
  shape: frames(HEADERS),
  seeds: () => [
    ...VALUES.map((body) => frame('pc/reply', 1, { body })),
    frame('pc/error', 1, { code: 5, text: 'no', retryable: false, details: { code: 'X' } }),
    frame('pc/ack', 9, { epoch: OWN_EPOCH, seq: 2 }),
    join(
      frame('pc/error', 9, { code: 2, text: 'no', retryable: false, details: { epoch: OWN_EPOCH, seq: 1 } }),
      frame('pc/ack', 9, { epoch: OWN_EPOCH, seq: 2 }),
    ),
    ...vectorFrames(),
  ],
  allows: nothing,
  fresh: true,
  open() {
    const clock = new VirtualClock()
    const exchange = new Exchange()
    const logged: unknown[] = []
    const random = { float: () => 0.5, bytes: () => Uint8Array.from(OWN_EPOCH) }
    const made = Messaging.create({ connector: exchange, clock, random, logger: errorsInto(logged) })
    const outcomes: (Error | 'fine')[] = []
    const watch = (promise: Promise<unknown>): void => {
      promise.then(
        () => outcomes.push('fine'),
        (error: Error) => outcomes.push(error),
      )
    }
    return {
      async prepare() {
        watch(made.request(BEN.id, 'x', null))
        for (const text of ['one', 'two']) watch(made.sendText(BEN.id, text).then(({ acknowledged }) => acknowledged))
        await turn()
      },
      async handle(input) {
        exchange.say(input)
        await turn()
      },
      async verify() {
        const wrong = outcomes.find((one) => one !== 'fine' && !typed(one))
        if (wrong !== undefined) return `a call was rejected with ${String(wrong)}`
        return logged.length === 0 ? undefined : `it logged an error: ${String(logged[0]).slice(0, 300)}`
      },
      async alive() {
        exchange.renew()
        await turn()
        const asked = made.request<Value, Value>(BEN.id, 'y', null)
        await turn()
        const id = exchange.line.sent.find(({ header }) => header === 'pc/request')?.id
        exchange.say(frame('pc/reply', Number(id ?? 0), { body: 'right' }))
        return (await asked) === 'right' ? undefined : 'an honest answer is not returned'
      },
      close: () => closed(made, clock),
    }
  },
}

const typed = errors(MessagingError, [
  ...[
    'BAD_REPLY',
    'REMOTE_ERROR',
    'CONNECTION_LOST',
    'CLOSED',
    'NO_HANDLER',
    'DENIED',
    'BUSY',
    'BAD_INPUT',
    'HANDLER_FAILED',
  ],
  ...['CANCELLED', 'DEADLINE', 'SHUTTING_DOWN', 'BAD_OUTPUT', 'INBOX_REFUSED', 'TOO_LARGE', 'OUT_OF_ORDER'],
])

function message(seq: number, type: string, body: Value): { [key: string]: Value } {
  return { type, epoch: EPOCH, seq, at: 1_000, ttl: 30_000, body }
}

/** The vectors are envelopes without their prefix. */
function vectorFrames(): Uint8Array[] {
  return linesOf('messaging/test/vectors.txt').map((line) => {
    const envelope = bytesOf(line.split('\t')[1]?.trim() ?? '')
    const prefix = new Uint8Array(4)
    new DataView(prefix.buffer).setUint32(0, envelope.length)
    return join(prefix, envelope)
  })
}

/** Ends it, with all that waits for a time. */
async function closed(made: Messaging, clock: VirtualClock): Promise<void> {
  const done = made.close({ signal: AbortSignal.abort(new Error('the case is over')) })
  await clock.advance(10_000)
  await done
}

export const messagingTargets: readonly Target[] = [receiver, sender]
