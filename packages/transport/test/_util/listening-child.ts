/** A process of its own that listens, and does to itself what it is told over IPC: each order is answered with its state. */
import { closeSync, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { createTestLogger, VirtualClock } from '@pc/testkit'
import { plainTcpProtocol, type SecureStream, type StreamListener } from '../../src/index.js'
import { testIdentity } from './credentials.js'

export type Order =
  | { do: 'listen'; fd?: number }
  /** Opens files until no descriptor is left, then closes `leave` of them. */
  | { do: 'fill'; leave: number }
  | { do: 'free' }
  | { do: 'advance'; ms: number }
  | { do: 'reset' | 'close' }

export interface ChildState {
  readonly address: { host: string; port: number } | undefined
  readonly outOfDescriptors: number
  readonly accepted: number
  readonly warnings: readonly string[]
  /** What the order failed with. */
  readonly code: string | undefined
}

const clock = new VirtualClock()
const logger = createTestLogger()
const protocol = plainTcpProtocol(testIdentity(2).id, { clock, logger })
const streams: SecureStream[] = []
const files: number[] = []
let listener: StreamListener | undefined

async function obey(order: Order): Promise<void> {
  switch (order.do) {
    case 'listen':
      listener = await protocol.listen({ host: '127.0.0.1', port: 0 }, (stream) => streams.push(stream), {
        ...(order.fd === undefined ? {} : { fd: order.fd }),
      })
      break
    case 'fill':
      fill()
      for (const file of files.splice(0, order.leave)) closeSync(file)
      break
    case 'free':
      for (const file of files.splice(0)) closeSync(file)
      break
    case 'advance':
      await clock.advance(order.ms)
      // Listening takes a turn of the loop, and nothing else.
      await new Promise(setImmediate)
      await new Promise(setImmediate)
      break
    case 'reset':
      await listener?.reset()
      break
    default:
      await listener?.close()
      for (const { duplex } of streams) duplex.destroy()
      process.disconnect()
  }
}

function fill(): void {
  try {
    while (true) files.push(openSync(devNull, 'r'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error
  }
}

process.on('message', async (order: Order) => {
  let code: string | undefined
  try {
    await obey(order)
  } catch (error) {
    code = (error as { code?: string }).code
  }
  if (!process.connected) return
  const { outOfDescriptors, accepted } = protocol.counters
  const warnings = logger.messages('warn')
  process.send?.({ address: listener?.address, outOfDescriptors, accepted, warnings, code } satisfies ChildState)
})
