/**
 * The raw baseline for everything that goes over streams: what one process can get to another through `node:tls` alone.
 * A 4-byte length before each message, as many messages as there are in one write, no codec, no queue, no promise per
 * message. TLS is as ours: 1.3, both sides with an Ed25519 certificate.
 *
 * This file is fixed: every ratio that was ever quoted is against it. See the test beside it before you change anything.
 */

import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { createCertificate, createIdentity } from '@pc/identity'
import type { Far, Near } from '../side.js'
import { percentile } from '../statistics.js'

const HOST = '127.0.0.1'
const PREFIX = 4
const SMALL = 100 // bytes of a small message, as in the figures' names
const CHUNK = 65_536 // bytes of a bulk message
const BATCH = 65_536 // bytes of one write: four TLS records; more gains nothing
const IN_FLIGHT = 64

/** The first byte of a message: what the far end does with it. */
const COUNT = 0
const ECHO = 1
const TELL = 2 // answers with the number of messages since the last TELL, as u32 after the kind

export const far: Far = async () => {
  const server = createServer({ ...tlsOptions(), noDelay: true }, (socket) => {
    let count = 0
    const out = new Batch(socket)
    receive(
      socket,
      (message) => {
        const kind = message[0]
        if (kind === COUNT) {
          count += 1
        } else if (kind === ECHO) {
          out.add(message)
        } else {
          const answer = Buffer.alloc(SMALL)
          answer.writeUInt32BE(count)
          count = 0
          out.add(answer)
        }
      },
      () => out.flush(),
    )
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  return { hello: (server.address() as AddressInfo).port, close: () => void server.close() }
}

export const near: Near = async ({ hello }) => {
  const socket = connect({ ...tlsOptions(), host: HOST, port: hello as number, servername: '' })
  await once(socket, 'secureConnect')
  socket.setNoDelay(true)
  let onMessage: (message: Buffer) => void = () => {}
  let onChunk = (): void => {}
  receive(
    socket,
    (message) => onMessage(message),
    () => onChunk(),
  )

  /** Fills writes with copies of one message until the time is up, then waits until the far end has counted them all. */
  async function oneWay(length: number, ms: number): Promise<{ messages: number; seconds: number }> {
    const message = Buffer.alloc(length, 7)
    message[0] = COUNT
    const perWrite = Math.max(1, Math.floor(BATCH / (PREFIX + length)))
    const frame = PREFIX + length
    let sent = 0
    const started = performance.now()
    while (performance.now() - started < ms) {
      const batch = Buffer.allocUnsafeSlow(perWrite * frame)
      for (let at = 0; at < batch.length; at += frame) {
        writeLength(batch, at, length)
        batch.set(message, at + PREFIX)
      }
      sent += perWrite
      if (!socket.write(batch)) await once(socket, 'drain')
    }
    const counted = await tell()
    const seconds = (performance.now() - started) / 1_000
    if (counted !== sent) throw new Error(`the far end counted ${counted} of ${sent} messages`)
    return { messages: sent, seconds }
  }

  function tell(): Promise<number> {
    return new Promise((resolve) => {
      onMessage = (answer) => resolve(answer.readUInt32BE())
      const question = Buffer.alloc(SMALL)
      question[0] = TELL
      const out = new Batch(socket)
      out.add(question)
      out.flush()
    })
  }

  /** Keeps `inFlight` requests on the way; each answer is followed by the next request. Answers of one chunk make one write. */
  function echo(inFlight: number, ms: number): Promise<{ answers: number; seconds: number; times: number[] }> {
    return new Promise((resolve) => {
      const request = Buffer.alloc(SMALL, 7)
      request[0] = ECHO
      const out = new Batch(socket)
      const times: number[] = []
      let answers = 0
      let open = inFlight
      const started = performance.now()
      let now = started
      let sentAt = started
      onMessage = () => {
        answers += 1
        if (inFlight === 1) times.push(performance.now() - sentAt)
        if (now - started < ms) out.add(request)
        else open -= 1
      }
      onChunk = () => {
        now = performance.now()
        sentAt = now
        if (open > 0) out.flush()
        else resolve({ answers, seconds: (now - started) / 1_000, times })
      }
      for (let i = 0; i < inFlight; i++) out.add(request)
      out.flush()
    })
  }

  return {
    measures: {
      async oneway_100b({ ms }) {
        const { messages, seconds } = await oneWay(SMALL, ms)
        return { oneway_100b_per_s: messages / seconds }
      },
      async rr64({ ms }) {
        const { answers, seconds } = await echo(IN_FLIGHT, ms)
        return { rr64_per_s: answers / seconds }
      },
      async rr1({ ms }) {
        const { times } = await echo(1, ms)
        return { rr1_p50_us: percentile(times, 0.5) * 1_000, rr1_p99_us: percentile(times, 0.99) * 1_000 }
      },
      async bulk_64k({ ms }) {
        const { messages, seconds } = await oneWay(CHUNK, ms)
        return { bulk_64k_mb_per_s: (messages * CHUNK) / seconds / 1e6 }
      },
    },
    close: () => void socket.destroy(),
  }
}

/** Hands over each message of the stream as one Buffer: a view of the chunk it came in, or put together when it was cut. */
function receive(socket: TLSSocket, onMessage: (message: Buffer) => void, onChunk: () => void): void {
  const prefix = Buffer.alloc(PREFIX)
  let prefixLength = 0
  let cut: Buffer | undefined
  let cutLength = 0
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    let at = 0
    while (at < chunk.length) {
      if (cut !== undefined) {
        const copied = chunk.copy(cut, cutLength, at)
        at += copied
        cutLength += copied
        if (cutLength < cut.length) break
        const message = cut
        cut = undefined
        onMessage(message)
      } else if (prefixLength === 0 && chunk.length - at >= PREFIX) {
        const length = chunk.readUInt32BE(at)
        at += PREFIX
        if (chunk.length - at >= length) {
          onMessage(chunk.subarray(at, at + length))
          at += length
        } else {
          cut = Buffer.allocUnsafe(length)
          cutLength = 0
        }
      } else {
        prefix[prefixLength++] = chunk[at++] as number
        if (prefixLength < PREFIX) continue
        prefixLength = 0
        cut = Buffer.allocUnsafe(prefix.readUInt32BE(0))
        cutLength = 0
      }
    }
    onChunk()
  })
}

/** Messages of one turn, joined into one write. */
class Batch {
  readonly #socket: TLSSocket
  #bytes = Buffer.allocUnsafeSlow(BATCH)
  #length = 0

  constructor(socket: TLSSocket) {
    this.#socket = socket
  }

  add(message: Buffer): void {
    if (this.#length + PREFIX + message.length > this.#bytes.length) this.flush()
    writeLength(this.#bytes, this.#length, message.length)
    this.#bytes.set(message, this.#length + PREFIX)
    this.#length += PREFIX + message.length
  }

  flush(): void {
    if (this.#length === 0) return
    this.#socket.write(this.#bytes.subarray(0, this.#length))
    // The socket may keep what it was given; a new buffer only when this one is nearly used up.
    this.#bytes = this.#bytes.subarray(this.#length)
    if (this.#bytes.length < BATCH / 4) this.#bytes = Buffer.allocUnsafeSlow(BATCH)
    this.#length = 0
  }
}

function writeLength(bytes: Buffer, at: number, length: number): void {
  bytes[at] = length >>> 24
  bytes[at + 1] = length >>> 16
  bytes[at + 2] = length >>> 8
  bytes[at + 3] = length
}

function tlsOptions(): SecureContextOptions & { requestCert: true; rejectUnauthorized: false } {
  return {
    ...createCertificate(createIdentity()),
    minVersion: 'TLSv1.3',
    ecdhCurve: 'X25519',
    requestCert: true,
    rejectUnauthorized: false,
  }
}
