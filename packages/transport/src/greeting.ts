import type { Message } from '@pc/wire'
import { type CloseCode, closeCodeNumber } from './close-code.js'
import { Connection, type ConnectionOptions, goAwayCode, type OutgoingMessage } from './connection.js'
import { TransportError } from './errors.js'
import {
  closeCodeOfHelloError,
  HELLO_HEADER,
  type Hello,
  type HelloExpectation,
  helloBody,
  readHello,
} from './hello.js'
import type { SecureStream } from './network-protocol.js'
import type { Clock } from './ports.js'

/** From the end of the handshake to the other side's HELLO. */
export const HELLO_DEADLINE_MS = 5_000

export const GOAWAY_HEADER = 'pc/goaway'

/** Both sides' HELLO on one connection, as far as it has come. */
export class Greeting {
  readonly connection: Connection
  /**
   * Resolves with the other side's HELLO, once it was checked; nothing behind it has been read then: see
   * {@link Connection.proceed}. On any error the connection is closed or destroyed, with the fitting code.
   * Rejects with TransportError BAD_HELLO, OTHER_NETWORK, VERSION_MISMATCH, HELLO_TIMEOUT, REFUSED, PROTOCOL_ERROR, CONNECTION_CLOSED.
   */
  readonly hello: Promise<Hello>
  /** The number of the pair that our HELLO named, once it was said. */
  said: number | undefined

  constructor(connection: Connection, expected: Omit<HelloExpectation, 'remoteId'>, clock: Clock) {
    this.connection = connection
    this.hello = receiveHello(connection, { ...expected, remoteId: connection.remoteId }, clock)
    // The owner awaits it later than it may fail.
    this.hello.catch(() => {})
  }

  /** Sends our HELLO; a second call does nothing. */
  say(hello: Hello): void {
    if (this.said !== undefined) return
    this.said = hello.pair
    // A failure to send closes the connection, and `hello` rejects for that reason.
    this.connection.send({ header: HELLO_HEADER, id: 0, body: helloBody(hello) }, 'urgent').catch(() => {})
  }
}

/** The last frame of a side that is going to close. `lastId` is the id of the last frame it has handed on, 0 for none. */
export function goAway(code: CloseCode, lastId = 0, reason = ''): OutgoingMessage {
  return { header: GOAWAY_HEADER, id: 0, body: { code: closeCodeNumber(code), reason, lastId } }
}

/** Says GOAWAY on a stream for which there is no room, and ends it. Resolves when it is gone, at the latest after 2 s. */
export async function refuseStream(stream: SecureStream, code: CloseCode, options: ConnectionOptions): Promise<void> {
  const connection = new Connection(stream, options)
  connection.sendLast(goAway(code))
  await connection.close(code)
}

function receiveHello(connection: Connection, expected: HelloExpectation, clock: Clock): Promise<Hello> {
  return new Promise((resolve, reject) => {
    let settled = false
    const fail = (error: TransportError, code: CloseCode): void => {
      settled = true
      clock.clearTimeout(timer)
      connection.onMessage(undefined)
      connection.sendLast(goAway(code, 0, error.code))
      // The GOAWAY tells the other side why; it is flushed, and the stream gone within the deadline of a close.
      void connection.close(code)
      reject(error)
    }
    const timer = clock.setTimeout(() => {
      const waited = `${HELLO_DEADLINE_MS / 1000} s`
      fail(
        new TransportError('HELLO_TIMEOUT', `${expected.remoteId.short} said no HELLO within ${waited}.`),
        'HELLO_TIMEOUT',
      )
    }, HELLO_DEADLINE_MS)
    connection.onMessage((message: Message) => {
      // What follows belongs to the next owner.
      connection.onMessage(undefined)
      if (message.header === GOAWAY_HEADER) {
        const code = goAwayCode(message)
        fail(new TransportError('REFUSED', `${expected.remoteId.short} refused the connection: ${code}.`), code)
      } else if (message.header !== HELLO_HEADER) {
        const text = `Expected HELLO as the first frame of ${expected.remoteId.short}, but got '${message.header}'.`
        fail(new TransportError('PROTOCOL_ERROR', text), 'PROTOCOL_ERROR')
      } else {
        try {
          resolve(readHello(message.body, expected))
          settled = true
          clock.clearTimeout(timer)
        } catch (error) {
          const known =
            error instanceof TransportError ? error : new TransportError('BAD_HELLO', String(error), { cause: error })
          fail(known, closeCodeOfHelloError(known))
        }
      }
    })
    void connection.closed.then((reason) => {
      clock.clearTimeout(timer)
      if (settled) return
      const text = `The connection to ${expected.remoteId.short} ended before HELLO: ${reason.code}.`
      reject(new TransportError('CONNECTION_CLOSED', text, { cause: reason.error }))
    })
  })
}
