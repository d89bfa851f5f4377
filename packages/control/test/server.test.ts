import { chmod, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Feed } from '@pc/dispatch'
import { VirtualClock } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { ControlClient, ControlServer } from '../src/index.js'
import { command, RawClient, startClient, startServer, temporaryFolder, until } from './_util/harness.js'

const echo = command('echo', async (args) => args)

describe('ControlServer.create', () => {
  it('makes a folder and a socket for this user alone', async () => {
    const folder = path.join(await temporaryFolder(), 'a', 'b')
    const server = await startServer([], { folder })
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(server.path)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['control.sock'])
  })

  it.each([0o750, 0o701, 0o770, 0o777, 0o704])('refuses a folder of mode %o', async (mode) => {
    const folder = path.join(await temporaryFolder(), 'open')
    await mkdir(folder)
    await chmod(folder, mode)
    const refused = expect.objectContaining({ code: 'FOLDER_UNSAFE', message: expect.stringContaining('chmod 700') })
    await expect(ControlServer.create({ folder, version: 'x', commands: [] })).rejects.toEqual(refused)
    expect(await readdir(folder)).toEqual([])
  })

  it('refuses a folder that cannot be one', async () => {
    const file = path.join(await temporaryFolder(), 'file')
    await writeFile(file, '')
    const creating = ControlServer.create({ folder: path.join(file, 'x'), version: 'x', commands: [] })
    await expect(creating).rejects.toMatchObject({ code: 'FOLDER_UNSAFE' })
  })

  it('refuses commands that cannot be told apart, and limits that are none', async () => {
    const folder = await temporaryFolder()
    const badOption = expect.objectContaining({ code: 'BAD_OPTION' })
    const create = (commands: (typeof echo)[], limits = {}) =>
      ControlServer.create({ folder, version: 'x', commands, limits })
    await expect(create([echo, echo])).rejects.toEqual(badOption)
    await expect(create([command('cancel', async () => null)])).rejects.toEqual(badOption)
    await expect(create([echo], { sessions: 0 })).rejects.toEqual(badOption)
    expect(await readdir(folder)).toEqual([])
  })

  it('refuses a path that no socket can have', async () => {
    const folder = path.join(await temporaryFolder(), 'x'.repeat(90))
    const creating = ControlServer.create({ folder, version: 'x', commands: [] })
    await expect(creating).rejects.toMatchObject({ code: 'PATH_TOO_LONG' })
  })
})

describe('close', () => {
  it('lets calls answer, ends streams, frees the socket; twice is once', async () => {
    const feed = new Feed<number>()
    let finish = (): void => {}
    const slow = command('slow', () => new Promise<string>((resolve) => (finish = () => resolve('done'))))
    const server = await startServer([slow, echo, command('follow', () => feed.subscribe())])
    const client = await startClient(server)
    const answer = client.call('slow')
    const stream = client.stream('follow').next()
    await until(() => feed.size === 1)
    const closing = server.close()
    await expect(stream).rejects.toMatchObject({ code: 'CANCELLED' })
    await expect(client.call('echo')).rejects.toMatchObject({ code: 'CANCELLED' })
    await expect(ControlClient.connect({ folder: path.dirname(server.path) })).rejects.toMatchObject({
      code: 'CANCELLED',
    })
    finish()
    expect(await answer).toBe('done')
    await Promise.all([closing, server.close()])
    expect(await readdir(path.dirname(server.path))).toEqual([])
    await expect(ControlClient.connect({ folder: path.dirname(server.path) })).rejects.toMatchObject({
      code: 'NOT_RUNNING',
    })
  })

  it('cancels what does not end within its deadline, or when its signal aborts', async () => {
    for (const hurried of [false, true]) {
      const clock = new VirtualClock()
      const stubborn = command('stubborn', () => new Promise<null>(() => {}))
      const server = await startServer([stubborn, echo], { clock })
      const client = await startClient(server)
      const answer = expect(client.call('stubborn')).rejects.toMatchObject({ code: 'CANCELLED' })
      const raw = await RawClient.open(server.path)
      raw.send('stubborn', 1, null)
      raw.send('echo', 2, null)
      await raw.receive(({ type }) => type === 'ok')
      const abort = new AbortController()
      const closing = server.close({ signal: abort.signal })
      if (hurried) abort.abort()
      else await clock.advance(2_000)
      await answer
      expect(await raw.errorCode(1)).toBe('CANCELLED')
      await closing
    }
  })

  it('cuts clients that do not read and do not close', async () => {
    const clock = new VirtualClock()
    const server = await startServer([echo], { clock })
    const stuck = await RawClient.open(server.path)
    stuck.socket.pause()
    for (let id = 1; id <= 30; id++) stuck.send('echo', id, 'x'.repeat(60_000))
    await until(() => server.sessions === 1)
    let closed = false
    const closing = server.close().then(() => (closed = true))
    while (!closed) await clock.advance(1_000)
    await closing
  })

  it('leaves a socket alone that is not its own any more', async () => {
    const server = await startServer([])
    const folder = path.dirname(server.path)
    await rm(server.path)
    const next = await startServer([echo], { folder })
    await server.close()
    expect(await readdir(folder)).toEqual(['control.sock'])
    expect(await (await startClient(next)).call('echo', 1)).toBe(1)
  })

  it('is what await using does', async () => {
    const folder = await temporaryFolder()
    {
      await using server = await ControlServer.create({ folder, version: 'x', commands: [echo] })
      await using client = await ControlClient.connect({ folder })
      expect(await client.call('echo', server.sessions)).toBe(1)
    }
    expect(await readdir(folder)).toEqual([])
  })
})
