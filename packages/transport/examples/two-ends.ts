import { createIdentity } from '@pc/identity'
import { Connection, systemProtocol } from '@pc/transport'

const [anna, ben] = [createIdentity(), createIdentity()]
const listener = await systemProtocol(anna).listen({ host: '127.0.0.1', port: 0 }, (stream) => {
  const connection = new Connection(stream)
  connection.onMessage(({ header, id, body }) => {
    console.log(`anna got ${header} from ${connection.remoteId.short}:`, body)
    void connection.send({ header: 'echo', id, body })
  })
})
const stream = await systemProtocol(ben).connect(listener.address, { expect: anna.id })
const connection = new Connection(stream)
connection.onMessage(({ header, body }) => {
  console.log(`ben got ${header}:`, body)
  void connection.close()
})
await connection.send({ header: 'greeting', id: 1, body: 'good morning' })
await connection.closed
await listener.close()
