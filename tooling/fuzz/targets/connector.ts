/** A connector between honest and lying peers: greeting as acceptor and as dialler, and a pair that stands. */
import type { Duplex } from 'node:stream'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import { Acceptor, Connector, type ControlConnection, PeerBook, type SecureStream, TransportError } from '@pc/transport'
import type { Message } from '@pc/wire'
import { frames } from '../mutate/shape.js'
import { errors, nothing, type Subject, type Target } from '../target.js'
import { errorsInto } from './error-log.js'
import { frame, join, NETWORK, record } from './seeds.js'
import { say, strangerStream, turn, turns } from './streams.js'
import { ANNA, BEN, CONVERSATION, hello } from './transport.js'
import { BOOT } from './wire.js'

const HEADERS = ['pc/hello', 'pc/ping', 'pc/pong', 'pc/goaway', 'app/data']
const ADDRESS = { host: '10.0.0.2', port: 3485 }

/** One connector with its acceptor; what it dials is answered by `dialled`. */
class Side {
  readonly clock = new VirtualClock()
  readonly connector: Connector
  readonly acceptor: Acceptor
  readonly received: Message[] = []
  readonly logged: unknown[] = []
  connections = 0
  dialled: SecureStream | undefined

  constructor() {
    const connect = async (): Promise<SecureStream> => this.dialled ?? Promise.reject(new Error('nothing to dial'))
    const unused = (): Promise<never> => Promise.reject(new Error('not used here'))
    this.connector = Connector.create({
      identity: ANNA,
      protocol: { name: 'fuzz', connect, listen: unused, bind: unused },
      network: NETWORK,
      bootId: new Uint8Array(8).fill(1),
      record: () => ANNA_RECORD,
      peerBook: new PeerBook({ limit: 100 }),
      clock: this.clock,
      random: new SeededRandom('fuzz'),
      logger: errorsInto(this.logged),
    })
    this.acceptor = new Acceptor({ connector: this.connector, clock: this.clock })
    this.connector.events.on('connected', () => {
      this.connections++
    })
    this.connector.events.on('frame', (_connection, message) => this.received.push(message))
    this.connector.events.on('bulk', (connection) => connection.destroy())
  }

  /** The stranger's end of a stream that it opened. */
  accept(): Duplex {
    const { ours, theirs } = strangerStream(BEN.id, false)
    this.acceptor.accept(ours)
    return theirs
  }

  /** As an honest peer does it. */
  async greeted(): Promise<Duplex> {
    const theirs = this.accept()
    await say(theirs, frame('pc/hello', 0, hello()))
    return theirs
  }

  get live(): ControlConnection | undefined {
    return this.connector.current(BEN.id)
  }

  /** Until nothing of that stream is left. */
  async cut(theirs: Duplex): Promise<void> {
    theirs.destroy()
    for (let count = 0; (this.acceptor.open > 0 || this.live !== undefined) && count < 20; count++) {
      await turn()
      if (count === 10) await this.clock.advance(10_000)
    }
  }

  /** An honest peer connects, says something, and is answered. */
  async works(): Promise<string | undefined> {
    const theirs = await this.greeted()
    this.received.length = 0
    await say(theirs, join(frame('app/data', 1, 'x'), frame('pc/ping', 2, null)))
    const heard = this.received.length
    await this.cut(theirs)
    if (this.logged.length > 0) return `an error was logged: ${String(this.logged.pop()).slice(0, 300)}`
    if (heard !== 1) return 'the frame of an honest peer is not handed on'
    if (this.live !== undefined || this.acceptor.open > 0 || this.acceptor.halfOpen > 0)
      return 'an ended connection is still counted'
    return undefined
  }

  async close(): Promise<void> {
    const closed = this.connector.close({ signal: AbortSignal.abort() })
    await this.clock.advance(20_000)
    await closed
  }
}
const ANNA_RECORD = record(ANNA)

const acceptor: Target = {
  name: 'transport/Connector.accept',
  conversation: true,
  about: 'the HELLO of a peer that dialled us, and what follows it',
  covers: ['@pc/transport Acceptor', '@pc/transport Connector'],
  shape: frames(HEADERS),
  seeds: () => [
    frame('pc/hello', 0, hello()),
    ...CONVERSATION.map((one) => join(frame('pc/hello', 0, hello()), one)),
    frame('pc/hello', 0, hello('bulk')),
  ],
  allows: nothing,
  open: () => accepting((side) => side.accept()),
}

const pair: Target = {
  name: 'transport/Pair',
  conversation: true,
  about: 'a pair that stands: keep-alive, GOAWAY, a second HELLO, frames for others',
  covers: ['@pc/transport Connector'],
  shape: frames(HEADERS),
  seeds: () => [...CONVERSATION, frame('pc/hello', 0, hello())],
  allows: nothing,
  open: () => accepting((side) => side.greeted()),
}

function accepting(start: (side: Side) => Duplex | Promise<Duplex>): Subject {
  const side = new Side()
  let theirs: Duplex | undefined
  return {
    async prepare() {
      theirs = await start(side)
    },
    handle: (input) => theirs && say(theirs, input),
    async verify() {
      if (theirs !== undefined) await side.cut(theirs)
      theirs = undefined
      return undefined
    },
    alive: () => side.works(),
    close: () => side.close(),
  }
}

const dialler: Target = {
  name: 'transport/Connector.meet',
  conversation: true,
  about: 'the HELLO of a peer that we dialled',
  covers: ['@pc/transport Connector', '@pc/transport connectToPeer'],
  shape: frames(HEADERS),
  seeds: () => [
    frame('pc/hello', 0, hello()),
    frame('pc/goaway', 0, { code: 6, reason: '', lastId: 0 }),
    join(frame('pc/hello', 0, hello('control', BOOT)), ...CONVERSATION.slice(0, 3)),
  ],
  allows: errors(TransportError, [
    'BAD_HELLO',
    'OTHER_NETWORK',
    'VERSION_MISMATCH',
    'REFUSED',
    'PROTOCOL_ERROR',
    'CONNECTION_CLOSED',
  ]),
  open() {
    const side = new Side()
    let theirs: Duplex | undefined
    return {
      prepare() {
        const stream = strangerStream(BEN.id, true)
        side.dialled = stream.ours
        theirs = stream.theirs
      },
      async handle(input) {
        const met = side.connector.meet([ADDRESS])
        met.catch(() => {})
        if (theirs === undefined) return
        await say(theirs, input)
        theirs.end()
        await met
      },
      async verify() {
        if (theirs !== undefined) await side.cut(theirs)
        await turns(2)
        return side.live === undefined ? undefined : 'the connection outlived its stream'
      },
      async alive() {
        if (theirs !== undefined) await side.cut(theirs)
        return side.works()
      },
      close: () => side.close(),
    }
  },
}

export const connectorTargets: readonly Target[] = [acceptor, pair, dialler]
