import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { type AnyCommand, ArgumentReader, ControlClient, ControlError, controlPath } from '@pc/control'
import { VirtualClock } from '@pc/testkit'
import { decodeMessage, decodeValue, encodeValue, FrameDecoder, type Value, WireError } from '@pc/wire'
import { commandTable } from '../../../packages/control/src/command.js'
import { resolveLimits } from '../../../packages/control/src/limits.js'
import { readClientMessage, readDaemonMessage } from '../../../packages/control/src/protocol.js'
import type { RunningCommand } from '../../../packages/control/src/running-command.js'
import { Session } from '../../../packages/control/src/session.js'
import { memoryStreamPair } from '../../../packages/transport/src/memory-stream.js'
import { envelopes, frames, msgpack } from '../mutate/shape.js'
import { errors, nothing, type Target } from '../target.js'
import { errorsInto } from './error-log.js'
import { frame, join, VALUES } from './seeds.js'
import { say, turn, turns } from './streams.js'

const CLIENT_HEADERS = ['hello', 'cancel', 'echo', 'count', 'wait', 'args', 'ok']
const DAEMON_HEADERS = ['hello', 'ok', 'error', 'event', 'end']
const HELLO = frame('hello', 0, { protocol: 1, client: 'fuzz' })
const badRequest = errors(ControlError, ['BAD_REQUEST'])

const CLIENT_FRAMES: readonly Uint8Array[] = [
  frame('echo', 1, { a: 1 }),
  frame('args', 2, { text: 'x', count: 3, flag: true }),
  frame('count', 3, null),
  frame('cancel', 3, null),
  HELLO,
]
const DAEMON_FRAMES: readonly Uint8Array[] = [
  frame('hello', 0, { protocol: 1, daemon: 'pcd/1' }),
  ...VALUES.map((body) => frame('ok', 1, body)),
  frame('error', 1, { code: 'PEER_OFFLINE', text: 'gone', details: { peer: 'anna' } }),
  join(frame('event', 2, 1), frame('event', 2, { a: 2 }), frame('end', 2, null)),
  frame('error', 0, { code: 'BUSY', text: 'later' }),
]

const clientMessage: Target = {
  name: 'control/readClientMessage',
  about: 'what a client says, as the daemon reads it',
  covers: [],
  shape: envelopes(CLIENT_HEADERS),
  seeds: () => CLIENT_FRAMES.map((one) => one.subarray(4)),
  allows: badRequest,
  open: () => ({
    handle: (input) => readClientMessage(input),
    alive: () => (readClientMessage(HELLO.subarray(4)).type === 'hello' ? undefined : 'hello is not read'),
  }),
}

const daemonMessage: Target = {
  name: 'control/readDaemonMessage',
  about: 'what a daemon answers, as a client reads it',
  covers: [],
  shape: envelopes(DAEMON_HEADERS),
  seeds: () => DAEMON_FRAMES.flatMap((one) => new FrameDecoder().push(one)),
  allows: badRequest,
  open: () => ({
    handle: (input) => readDaemonMessage(input),
    alive: () => (readDaemonMessage(frame('end', 1, null).subarray(4)).type === 'end' ? undefined : 'end is not read'),
  }),
}

const args: Target = {
  name: 'control/ArgumentReader',
  about: 'the arguments of a command',
  covers: ['@pc/control ArgumentReader', '@pc/control noArguments'],
  shape: msgpack(),
  seeds: () =>
    [{ text: 'x', count: 3, flag: true, any: [1] }, null, { text: 'a'.repeat(300) }].map((value) => encodeValue(value)),
  allows: (error) => error instanceof WireError || badArguments(error),
  open: () => ({
    handle: (input) => readArguments(decodeValue(input)),
    alive: () => (readArguments({ text: 'x', count: 3 })[1] === 3 ? undefined : 'a valid argument is not read'),
  }),
}
const badArguments = errors(ControlError, ['BAD_ARGUMENTS'])

function readArguments(value: Value): unknown[] {
  const reader = new ArgumentReader(value)
  const read = [
    reader.text('text', { maxLength: 10 }),
    reader.integer('count', { max: 9 }),
    reader.optionalBoolean('flag'),
    reader.value('any'),
  ]
  reader.done()
  return read
}

function sendable(value: unknown): boolean {
  try {
    return encodeValue(value as Value).length > 0
  } catch (error) {
    if (error instanceof WireError) return false
    throw error
  }
}

const COMMANDS: readonly AnyCommand[] = [
  // A float beyond 2^53 can be received and not sent: a command that returned it would be at fault itself.
  { name: 'echo', summary: 'echo', parse: (value) => value, run: async (value) => (sendable(value) ? value : null) },
  { name: 'args', summary: 'args', parse: readArguments, run: async () => null },
  {
    name: 'count',
    summary: 'count',
    parse: () => undefined,
    async *run() {
      for (let item = 0; item < 3; item++) yield item
    },
  },
  {
    name: 'wait',
    summary: 'wait',
    parse: () => undefined,
    run: (_args, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  },
]

const session: Target = {
  name: 'control/Session',
  conversation: true,
  about: 'a client of the daemon, from its hello on',
  covers: ['@pc/control ControlServer'],
  shape: frames(CLIENT_HEADERS),
  seeds: () => [
    ...CLIENT_FRAMES.map((one) => join(HELLO, one)),
    join(HELLO, ...CLIENT_FRAMES.slice(0, 4)),
    join(HELLO, frame('wait', 9, null), frame('cancel', 9, null)),
  ],
  allows: nothing,
  open() {
    const clock = new VirtualClock()
    const running = new Set<RunningCommand>()
    const logged: unknown[] = []
    const start = () => {
      const [ours, theirs] = memoryStreamPair()
      const answers: string[] = []
      const decoder = new FrameDecoder({ maxLength: 1_048_576 })
      theirs.on('data', (chunk: Uint8Array) => {
        for (const payload of decoder.push(chunk)) answers.push(decodeMessage(payload).header)
      })
      let over = false
      const made = new Session({
        // A session uses what every stream has.
        socket: ours as unknown as Socket,
        commands: commandTable(COMMANDS),
        daemon: 'pcd/fuzz',
        clock,
        logger: errorsInto(logged),
        limits: resolveLimits(),
        running,
        onOver: () => {
          over = true
        },
      })
      return { made, theirs, answers, isOver: () => over }
    }
    let current: ReturnType<typeof start> | undefined
    return {
      prepare() {
        logged.length = 0
        current = start()
      },
      handle: (input) => current && say(current.theirs, input),
      async verify() {
        current?.theirs.destroy()
        await turns(4)
        await clock.advance(6_000)
        await turns(4)
        if (logged.length > 0) return `it logged an error: ${String(logged[0]).slice(0, 300)}`
        if (running.size > 0) return `${running.size} commands of a client that left still run`
        return current?.isOver() === false ? 'the session outlived its socket' : undefined
      },
      async alive() {
        const other = start()
        await say(other.theirs, join(HELLO, frame('echo', 1, 'x')))
        await turns(2)
        const { answers } = other
        other.theirs.destroy()
        await turns(2)
        return answers.join(' ') === 'hello ok' ? undefined : `an honest client gets ${answers.join(' ')}`
      },
      close: () => clock.advance(10_000),
    }
  },
}

const client: Target = {
  name: 'control/ControlClient',
  about: 'a daemon that lies, over a real local socket',
  covers: ['@pc/control ControlClient', '@pc/control ControlClient.connect'],
  shape: frames(DAEMON_HEADERS),
  seeds: () => {
    const [greeting = new Uint8Array(), ...answers] = DAEMON_FRAMES
    const stream = join(frame('event', 2, 7), frame('end', 2, null))
    return [...answers.map((one) => join(greeting, one)), ...answers.map((one) => join(greeting, one, stream))]
  },
  allows: errors(ControlError, [
    'BAD_REQUEST',
    'CONNECTION_CLOSED',
    'VERSION_MISMATCH',
    'BUSY',
    'PEER_OFFLINE',
    'INTERNAL',
    'TIMEOUT',
  ]),
  weight: 0.2,
  // The kernel is between.
  untimed: true,
  async open() {
    const folder = await mkdtemp(joinPath(tmpdir(), 'pc-fuzz-control-'))
    let answer: Uint8Array = new Uint8Array()
    const server: Server = createServer((socket) => {
      socket.on('error', () => {})
      // Its hello for ours, the answers when something was asked.
      const first = firstFrame(answer)
      socket.once('data', () => {
        if (first === answer.length) {
          socket.end(answer)
          return
        }
        socket.write(answer.subarray(0, first))
        socket.once('data', () => socket.end(answer.subarray(first)))
      })
    })
    await new Promise<void>((resolve) => server.listen(controlPath(folder), resolve))
    const ask = async (bytes: Uint8Array): Promise<unknown> => {
      answer = bytes
      const made = await ControlClient.connect({ folder, timeoutMs: HELLO_MS })
      try {
        const items: Value[] = []
        const call = made.call('x')
        call.catch(() => {})
        for await (const item of made.stream('y')) items.push(item)
        return [await call, items]
      } finally {
        await made.close()
      }
    }
    const honest = join(
      DAEMON_FRAMES[0] ?? new Uint8Array(),
      frame('ok', 1, 'fine'),
      frame('event', 2, 7),
      frame('end', 2, null),
    )
    return {
      handle: (input) => ask(input),
      alive: async () =>
        JSON.stringify(await ask(honest)) === '["fine",[7]]' ? undefined : 'an honest answer is not returned',
      async close() {
        await new Promise<void>((resolve) => server.close(() => resolve()))
        await rm(folder, { recursive: true, force: true })
        await turn()
      },
    }
  },
}

/** For a daemon that says something, but no hello. */
const HELLO_MS = 100

/** Where the first frame ends, as its prefix says. */
function firstFrame(bytes: Uint8Array): number {
  if (bytes.length < 4) return bytes.length
  return Math.min(bytes.length, 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0))
}

export const controlTargets: readonly Target[] = [clientMessage, daemonMessage, args, session, client]
