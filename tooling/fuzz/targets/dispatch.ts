import type { Duplex } from 'node:stream'
import { ConnectionDispatcher, DispatchError, Dispatcher } from '@pc/dispatch'
import { VirtualClock } from '@pc/testkit'
import { Connection } from '@pc/transport'
import { decodeMessage, encodeMessage, type Message, WireError } from '@pc/wire'
import { envelopes, frames } from '../mutate/shape.js'
import { errors, nothing, type Target } from '../target.js'
import { requestsEndpointTargets } from './requests-endpoint.js'
import { frame, join } from './seeds.js'
import { say, strangerStream, turns } from './streams.js'
import { BEN, CONVERSATION } from './transport.js'

const dispatcher: Target = {
  name: 'dispatch/Dispatcher',
  about: 'headers and bodies of messages to handlers that fail, wait and answer',
  covers: ['@pc/dispatch Dispatcher'],
  shape: envelopes(['echo', 'fail', 'denied', 'nobody']),
  seeds: () =>
    ['echo', 'fail', 'denied', '__proto__'].map((header) =>
      encodeMessage({ header, id: 1, version: 1, body: [1], peerId: null }),
    ),
  allows: (error) => error instanceof WireError || dispatchErrors(error),
  open() {
    const made = new Dispatcher<Message & { peer: typeof BEN.id }, unknown>({
      verb: 'request',
      authorize: ({ access }) => access === 'anyone',
    })
    made.register('echo', { access: 'anyone' }, ({ body }) => body)
    made.register('denied', { access: 'trusted' }, ({ body }) => body)
    made.register('fail', { access: 'anyone' }, () => Promise.reject(new Error('on purpose')))
    return {
      handle: (input) => made.dispatch({ ...decodeMessage(input), peer: BEN.id }),
      verify: () => (made.size === 0 ? undefined : 'an event that is over is still counted'),
      alive: async () =>
        (await made.dispatch({ header: 'echo', id: 1, version: 1, body: 7, peerId: null, peer: BEN.id })) === 7
          ? undefined
          : 'another answer',
      close: () => made.close(),
    }
  },
}
const dispatchErrors = errors(DispatchError, ['NO_HANDLER', 'DENIED', 'HANDLER_FAILED'])

const services: Target = {
  name: 'dispatch/ConnectionDispatcher',
  conversation: true,
  about: 'service frames on a parked bulk connection',
  covers: ['@pc/dispatch ConnectionDispatcher'],
  shape: frames(['echo', 'fail', 'eat', 'pc/goaway', 'nobody']),
  seeds: () => [
    frame('echo', 1, { a: 1 }),
    join(frame('echo', 1, 1), frame('echo', 2, 2), frame('nobody', 3, null), frame('denied', 4, null)),
    join(frame('eat', 1, null), frame('more', 2, null), frame('more', 3, null), frame('echo', 4, null)),
    join(frame('fail', 1, null), frame('echo', 2, null)),
    ...CONVERSATION,
  ],
  allows: nothing,
  open() {
    const clock = new VirtualClock()
    const made = new ConnectionDispatcher({ authorize: ({ access }) => access === 'anyone' })
    let echoed = 0
    made.register('echo', { access: 'anyone' }, async (connection, { id, body }) => {
      echoed++
      await connection.send({ header: 'echoed', id, body })
    })
    made.register('denied', { access: 'trusted' }, () => {})
    made.register('fail', { access: 'anyone' }, () => Promise.reject(new Error('on purpose')))
    made.register(
      'eat',
      { access: 'anyone' },
      (connection) =>
        new Promise((resolve) => {
          let left = 2
          void connection.closed.then(() => resolve())
          connection.onMessage(() => {
            if (--left === 0) resolve()
          })
        }),
    )
    const open = (): { theirs: Duplex; connection: Connection } => {
      const { ours, theirs } = strangerStream(BEN.id, false)
      const connection = new Connection(ours, { clock })
      made.park(connection)
      return { theirs, connection }
    }
    let current: ReturnType<typeof open> | undefined
    const drop = async (): Promise<void> => {
      current?.theirs.destroy()
      current?.connection.destroy()
      current = undefined
      await turns(2)
    }
    return {
      async prepare() {
        await drop()
        current = open()
      },
      handle: (input) => current && say(current.theirs, input),
      async alive() {
        await drop()
        if (made.parked !== 0) return `${made.parked} ended connections are still parked`
        const other = open()
        echoed = 0
        await say(other.theirs, frame('echo', 1, null))
        other.theirs.destroy()
        other.connection.destroy()
        await turns(2)
        return echoed === 1 ? undefined : 'a service frame is not served'
      },
      async close() {
        await drop()
        await clock.advance(10_000)
      },
    }
  },
}

export const dispatchTargets: readonly Target[] = [...requestsEndpointTargets, dispatcher, services]
