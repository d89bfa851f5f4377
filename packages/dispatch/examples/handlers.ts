import { type DispatchError, Dispatcher, Feed, ReplyRegistry } from '@pc/dispatch'
import { createIdentity, type PeerId } from '@pc/identity'
import { systemClock } from '@pc/transport'

const peer = createIdentity().id
const authorize = ({ access }: { access: string }) => access === 'anyone' // nobody is trusted here
const dispatcher = new Dispatcher<{ peer: PeerId; header: string; body: string }, string>({
  verb: 'request',
  authorize,
})
dispatcher.register('greet', { access: 'anyone', concurrency: 4, queue: 32 }, ({ body }) => `hello ${body}`)
dispatcher.register('shutdown', { access: 'trusted' }, () => 'never reached')

const replies = new ReplyRegistry<string>({ clock: systemClock })
const reply = replies.expect(1, { timeoutMs: 1_000 }) // before the request is sent: no reply is missed
replies.resolve(1, await dispatcher.dispatch({ peer, header: 'greet', body: 'world' }))
const refused = new Feed<string>()
const watching = refused.subscribe()
const attempt = dispatcher.dispatch({ peer, header: 'shutdown', body: '' })
await attempt.catch((error: DispatchError) => refused.publish(error.code))
console.log(await reply, (await watching.next()).value)
refused.close()
await dispatcher.close()
