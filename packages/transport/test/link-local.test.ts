/** Link-local addresses of IPv6, which lead somewhere only with the interface they are on. */
import { networkInterfaces } from 'node:os'
import { afterEach, expect, it } from 'vitest'
import { plainTcpProtocol, systemProtocol } from '../src/index.js'
import { testIdentity } from './_util/credentials.js'

const [DIALLER, ANNA] = [testIdentity(1), testIdentity(2)]
const PROTOCOLS = [
  ['system', systemProtocol(ANNA), systemProtocol(DIALLER)],
  ['plain', plainTcpProtocol(ANNA.id), plainTcpProtocol(DIALLER.id)],
] as const

/** Of the interfaces that tests may use: those of loopback seldom have one. */
const SCOPED = Object.entries(networkInterfaces())
  .flatMap(([name, all = []]) => all.map((one) => ({ ...one, name })))
  .filter(({ name, address }) => process.env.PC_INTERFACES?.split(',').includes(name) && address.startsWith('fe80:'))
  .map(({ name, address }) => `${address}%${name}`)

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

it.each(PROTOCOLS)('%s: without one it is no address', async (_name, _there, here) => {
  const dial = here.connect({ host: 'fe80::1', port: 9 })
  await expect(dial).rejects.toMatchObject({ code: 'ADDRESS_INVALID', retryable: false })
})

it.each(PROTOCOLS)('%s: with one that does not exist it may become one', async (_name, _there, here) => {
  const dial = here.connect({ host: 'fe80::1%pc-nowhere0', port: 9 })
  await expect(dial).rejects.toMatchObject({ code: 'ADDRESS_NOT_AVAILABLE', retryable: true })
})

it.skipIf(SCOPED.length === 0).each(PROTOCOLS)('%s: it is listened at and dialled', async (_name, there, here) => {
  const [host = ''] = SCOPED
  const froms: string[] = []
  const listener = await there.listen({ host, port: 0 }, ({ duplex }) => duplex.resume(), {
    admit: (from) => froms.push(from.host) > 0,
  })
  cleanups.push(() => listener.close())
  const stream = await here.connect(listener.address, { expect: ANNA.id })
  cleanups.push(() => stream.duplex.destroy())
  expect(stream.localAddress.host).toBe(host)
  expect(froms).toEqual([host])
  await listener.reset()
  expect(listener.address.host).toBe(host)
})
