import { mkdtemp, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { encodeFrame, FrameDecoder, type Value } from '@pc/wire'
import { onTestFinished } from 'vitest'
import {
  type AnyCommand,
  type Command,
  ControlClient,
  ControlServer,
  type ControlServerOptions,
} from '../../src/index.js'
import { type DaemonMessage, readDaemonMessage } from '../../src/protocol.js'

/** An empty private folder that goes away with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pc-control-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export async function startServer(
  commands: readonly AnyCommand[],
  options: Partial<ControlServerOptions> = {},
): Promise<ControlServer> {
  const folder = options.folder ?? (await temporaryFolder())
  const server = await ControlServer.create({ version: 'pcd/test', ...options, folder, commands })
  onTestFinished(() => server.close({ signal: AbortSignal.abort() }))
  return server
}

export async function startClient(server: ControlServer): Promise<ControlClient> {
  const client = await ControlClient.connect({ folder: path.dirname(server.path) })
  onTestFinished(() => client.close())
  return client
}

/** A command that hands its arguments on as they are. */
export function command<R>(name: string, run: Command<Value, R>['run']): Command<Value, R> {
  return { name, summary: name, parse: (args) => args, run }
}

/** A socket file that nobody listens on, as a killed daemon leaves it. */
export async function leaveStaleSocket(file: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(`${file}.old`, resolve))
  // Closing removes the name it was bound to, which is not this one any more.
  await rename(`${file}.old`, file)
  await new Promise<void>((resolve) => server.close(() => resolve()))
}

/** Resolves once `condition` holds; looks at every turn of the event loop. The test's own deadline ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => setImmediate(resolve))
}

/** A client that says exactly what a test wants it to. */
export class RawClient {
  readonly socket: Socket
  readonly messages: DaemonMessage[] = []
  readonly closed: Promise<void>
  #over = false

  static async connect(file: string): Promise<RawClient> {
    const socket = connect({ path: file })
    const client = new RawClient(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    onTestFinished(() => void socket.destroy())
    return client
  }

  /** Connected and greeted. */
  static async open(file: string): Promise<RawClient> {
    const client = await RawClient.connect(file)
    client.send('hello', 0, { protocol: 1, client: 'raw' })
    await client.receive((message) => message.type === 'hello')
    return client
  }

  private constructor(socket: Socket) {
    this.socket = socket
    const decoder = new FrameDecoder({ maxLength: 1_048_576 })
    socket.on('data', (chunk) => {
      for (const payload of decoder.push(chunk as Buffer)) this.messages.push(readDaemonMessage(payload))
    })
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#over = true
        resolve()
      })
    })
  }

  send(header: string, id: number, body: Value): void {
    this.socket.write(encodeFrame({ header, id, version: 1, body, peerId: null }, { maxLength: 1_048_576 }))
  }

  /** The first message, old or new, that fits. */
  async receive(fits: (message: DaemonMessage) => boolean): Promise<DaemonMessage> {
    let found: DaemonMessage | undefined
    await until(() => {
      found = this.messages.find(fits)
      return found !== undefined || this.#over
    })
    if (found === undefined) throw new Error(`closed after ${JSON.stringify(this.messages)}`)
    return found
  }

  /** The code of the error that answers `id`; 0 is the session itself. */
  async errorCode(id: number): Promise<string> {
    const message = await this.receive(({ type, ...rest }) => type === 'error' && 'id' in rest && rest.id === id)
    return message.type === 'error' ? message.error.code : ''
  }
}
