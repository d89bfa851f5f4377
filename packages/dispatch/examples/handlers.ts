import { type Authorize, type DispatchError, Dispatcher, Feed } from '@pc/dispatch'
import { createIdentity, type PeerId } from '@pc/identity'

type Request = { peer: PeerId; header: string; body: string }
const authorize: Authorize = ({ access }) => access === 'anyone' // nobody is trusted here
const dispatcher = new Dispatcher<Request, string>({ verb: 'request', authorize })
dispatcher.register('greet', { access: 'anyone', concurrency: 4, queue: 32 }, ({ body }) => `hello ${body}`)
dispatcher.register('shutdown', { access: 'trusted' }, () => 'never reached')

const log = new Feed<string>()
const lines = log.subscribe() // gets what is published from now on
const peer = createIdentity().id
for (const header of ['greet', 'shutdown']) {
  const reply = dispatcher.dispatch({ peer, header, body: 'world' })
  log.publish(await reply.catch((error: DispatchError) => `${header}: ${error.code}`))
}
log.close()
for await (const line of lines) console.log(line)
await dispatcher.close()
