/** Streams in this process with a proved id at each end, and a stranger at the other one. */
import type { Duplex } from 'node:stream'
import type { PeerId } from '@pc/identity'
import type { SecureStream } from '@pc/transport'
import { memoryStreamPair } from '../../../packages/transport/src/memory-stream.js'
import { pieces } from './wire.js'

const HERE = { host: '10.0.0.1', port: 3485 }
const THERE = { host: '10.0.0.2', port: 3485 }
/** A stream that takes no more, whatever the turns, is one whose reader has stopped on purpose. */
const MAX_TURNS = 200

/** Our end, as a connection gets it, and the stranger's. */
export function strangerStream(remoteId: PeerId, dialled: boolean): { ours: SecureStream; theirs: Duplex } {
  const [ours, theirs] = memoryStreamPair()
  theirs.resume()
  return { ours: { duplex: ours, remoteId, remoteAddress: THERE, localAddress: HERE, dialled }, theirs }
}

/** Sends `input` in pieces, and waits until everything that follows from it in this process has happened. */
export async function say(theirs: Duplex, input: Uint8Array): Promise<void> {
  for (const piece of pieces(input)) theirs.write(piece)
  await turn()
  for (let turns = 0; theirs.writableLength > 0 && !theirs.destroyed && turns < MAX_TURNS; turns++) await turn()
}

/** Lets promises, ticks and streams go on. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export async function turns(count: number): Promise<void> {
  for (let index = 0; index < count; index++) await turn()
}
