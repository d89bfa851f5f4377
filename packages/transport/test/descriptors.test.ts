/** Descriptors of the operating system: sockets that a process was given, and what happens when there are none left. */
import { closeSync, openSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { devNull } from 'node:os'
import { afterEach, describe, expect, it } from 'vitest'
import { type Address, plainTcpProtocol, systemProtocol } from '../src/index.js'
import { ChildListener } from './_util/child-listener.js'
import { testIdentity } from './_util/credentials.js'

const [DIALLER, ANNA] = [testIdentity(1), testIdentity(2)]

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

function child(options: ConstructorParameters<typeof ChildListener>[0]): ChildListener {
  const started = new ChildListener(options)
  cleanups.push(async () => expect(await started.close()).toBe(0))
  return started
}

/** `in`, or the code of the error. */
function dial(address: Address | undefined): Promise<string> {
  if (address === undefined) throw new Error('the child does not listen')
  return plainTcpProtocol(DIALLER.id)
    .connect(address, { expect: ANNA.id })
    .then(
      ({ duplex }) => {
        cleanups.push(() => duplex.destroy())
        return 'in'
      },
      (error: { code: string }) => error.code,
    )
}

const CUT = ['CONNECTION_RESET', 'HANDSHAKE_FAILED']

describe.skipIf(process.platform === 'win32')('a machine without descriptors', () => {
  it('refuses connections, says so once, and accepts again when there are some', { timeout: 60_000 }, async () => {
    const anna = child({ descriptors: 256 })
    const { address } = await anna.tell({ do: 'listen' })
    expect(await dial(address)).toBe('in')

    // The connection would get the last one: it is cut, and the door shut.
    await anna.tell({ do: 'fill', leave: 1 })
    expect(CUT).toContain(await dial(address))
    const shut = await anna.tell({ do: 'advance', ms: 99 })
    expect(shut).toMatchObject({ outOfDescriptors: 1, accepted: 1 })
    expect(await dial(address)).toBe('CONNECTION_REFUSED')

    // With nothing left it cannot even listen: pauses of 100, 200 and 400 ms.
    await anna.tell({ do: 'fill', leave: 0 })
    expect(await anna.tell({ do: 'advance', ms: 1 })).toMatchObject({ outOfDescriptors: 2 })
    expect(await anna.tell({ do: 'advance', ms: 199 })).toMatchObject({ outOfDescriptors: 2 })
    expect(await anna.tell({ do: 'advance', ms: 1 })).toMatchObject({ outOfDescriptors: 3 })
    expect(await dial(address)).toBe('CONNECTION_REFUSED')

    await anna.tell({ do: 'free' })
    expect(await dial(address)).toBe('CONNECTION_REFUSED')
    await anna.tell({ do: 'advance', ms: 400 })
    expect(await dial(address)).toBe('in')
    const { warnings, accepted } = await anna.tell({ do: 'advance', ms: 0 })
    expect(accepted).toBe(2)
    expect(warnings).toEqual(['no descriptor is left: connections are refused until there are some'])
  })

  it('closes what comes while every descriptor is in use, and lives on', { timeout: 60_000 }, async () => {
    const anna = child({ descriptors: 256 })
    const { address } = await anna.tell({ do: 'listen' })
    await anna.tell({ do: 'fill', leave: 0 })
    for (let times = 0; times < 3; times += 1) expect(CUT).toContain(await dial(address))
    const { accepted } = await anna.tell({ do: 'free' })
    expect(accepted).toBe(0)
    expect(await dial(address)).toBe('in')
  })

  it('refuses one by one at a socket that it was given, which it could not open again', {
    timeout: 60_000,
  }, async () => {
    const { server, address } = await listening()
    const anna = child({ descriptors: 256, socket: descriptorOf(server) })
    await anna.tell({ do: 'listen', fd: 3 })
    server.close()
    await anna.tell({ do: 'fill', leave: 1 })
    expect(CUT).toContain(await dial(address))
    expect(CUT).toContain(await dial(address))
    const { warnings, outOfDescriptors } = await anna.tell({ do: 'free' })
    expect([outOfDescriptors, warnings.length]).toEqual([2, 1])
    expect(await dial(address)).toBe('in')
  })
})

describe.skipIf(process.platform === 'win32')('a socket that a process was given', () => {
  it('is listened on where it is, and cannot be opened anew', { timeout: 60_000 }, async () => {
    const { server, address } = await listening()
    const anna = child({ socket: descriptorOf(server) })
    expect((await anna.tell({ do: 'listen', fd: 3 })).address).toEqual(address)
    server.close()
    expect(await dial(address)).toBe('in')
    expect(await anna.tell({ do: 'reset' })).toMatchObject({ code: 'NOT_SUPPORTED' })
    expect(await dial(address)).toBe('in')
  })

  it('is refused when it is none, and stays open then', async () => {
    const file = openSync(devNull, 'r')
    const unused = 65_533
    for (const fd of [file, unused, -1, 1.5, Number.NaN]) {
      for (const protocol of [systemProtocol(ANNA), plainTcpProtocol(ANNA.id)]) {
        const listen = protocol.listen({ host: '127.0.0.1', port: 0 }, () => {}, { fd })
        await expect(listen).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', retryable: false })
      }
    }
    closeSync(file)
  })
})

/** A server of this process that accepts nothing: its socket is for somebody else. */
async function listening(): Promise<{ server: Server; address: Address }> {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => server.close())
  return { server, address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } }
}

/** Node tells it nowhere else; programs get the number of theirs from whoever starts them. */
function descriptorOf(server: Server): number {
  return (server as unknown as { _handle: { fd: number } })._handle.fd
}
