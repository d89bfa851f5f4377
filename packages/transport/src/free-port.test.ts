import { createIdentity } from '@pc/identity'
import { expect, it } from 'vitest'
import { freePort } from './free-port.js'
import { listenOnSharedPort } from './shared-port.js'
import { systemProtocol } from './system-protocol.js'

const nothing = { onStream: () => {}, onDatagram: () => {} }

it('names a port that TCP and UDP can have', async () => {
  const port = await freePort()
  const shared = await listenOnSharedPort(systemProtocol(createIdentity()), ['127.0.0.1'], nothing, { ports: [port] })
  expect(shared.port).toBe(port)
  await shared.close()
})

it('names none that is in use', async () => {
  const protocol = systemProtocol(createIdentity())
  const taken = await listenOnSharedPort(protocol, ['127.0.0.1'], nothing, { ports: [0] })
  for (let times = 0; times < 20; times += 1) expect(await freePort('127.0.0.1')).not.toBe(taken.port)
  await taken.close()
})

it('tells what is wrong with the host, and stops when it is told to', async () => {
  await expect(freePort('localhost')).rejects.toMatchObject({ code: 'ADDRESS_INVALID' })
  await expect(freePort('192.0.2.1')).rejects.toMatchObject({ code: 'ADDRESS_NOT_AVAILABLE' })
  await expect(freePort('127.0.0.1', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
})
