import { createIdentity } from '@pc/identity'
import { memoryStreamPair } from '../../src/memory-stream.js'
import type { SecureStream } from '../../src/network-protocol.js'

const [one, two] = [createIdentity(new Uint8Array(32).fill(1)).id, createIdentity(new Uint8Array(32).fill(2)).id]

/** Two ends of one stream, between two fixed peers. */
export function streamPair(): [dialled: SecureStream, accepted: SecureStream] {
  const [a, b] = memoryStreamPair()
  const [here, there] = [
    { host: '10.0.0.1', port: 50_000 },
    { host: '10.0.0.2', port: 3485 },
  ]
  return [
    { duplex: a, remoteId: two, remoteAddress: there, localAddress: here, dialled: true },
    { duplex: b, remoteId: one, remoteAddress: here, localAddress: there, dialled: false },
  ]
}
