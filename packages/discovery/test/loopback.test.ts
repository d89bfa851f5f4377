import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { Discovery, type Hint } from '@pc/discovery'
import { RequestsEndpoint } from '@pc/dispatch'
import { createIdentity, openNetwork } from '@pc/identity'
import { parseInterfaceRules, systemClock, systemProtocol, usableInterfaces } from '@pc/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { attach } from './_util/segment.js'

const network = openNetwork(`test ${randomBytes(8).toString('hex')}`)
const closing: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A real peer's UDP side on loopback, and the promise of its first hint. */
async function start(discoveryPort: number) {
  const identity = createIdentity()
  const protocol = systemProtocol(identity)
  const bootId = Uint8Array.from(randomBytes(8))
  const endpoint = RequestsEndpoint.create({ identity, network, bootId, clock: systemClock })
  const socket = await attach(protocol, endpoint, { host: '127.0.0.1', port: 0 })
  closing.push(() => socket.close())
  let onHint: (hint: Hint) => void = () => {}
  const hint = new Promise<Hint>((resolve) => {
    onHint = resolve
  })
  const discovery = await Discovery.create({
    protocol,
    endpoint,
    network,
    id: identity.id,
    bootId,
    port: socket.address.port,
    interfaces: () => usableInterfaces(networkInterfaces(), parseInterfaceRules(process.env.PC_INTERFACES ?? '')),
    discoveryPort,
    onHint: (one) => onHint(one),
  })
  closing.push(() => discovery.close())
  return { identity, bootId, socket, discovery, hint }
}

/** A port nobody else has: three tests at the same time on one machine must not meet. */
async function freePort(): Promise<number> {
  const socket = await systemProtocol(createIdentity()).bind({ host: '0.0.0.0', port: 0 }, () => {})
  await socket.close()
  return socket.address.port
}

describe('on loopback', () => {
  it('two peers find each other by real multicast', async () => {
    const port = await freePort()
    const one = await start(port)
    const other = await start(port)
    const [atOne, atOther] = await Promise.all([one.hint, other.hint])
    expect(atOne.address).toEqual({ host: '127.0.0.1', port: other.socket.address.port })
    expect(atOther.address).toEqual({ host: '127.0.0.1', port: one.socket.address.port })
    expect(atOne.bootId).toEqual(other.bootId)
    expect(one.discovery.matches(atOne, other.identity.id)).toBe(true)
    expect(one.discovery.status().interfaces).toMatchObject([{ address: '127.0.0.1', sendErrors: 0 }])
    expect(one.discovery.status().receiveError).toBeUndefined()
  })
})
