import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdir, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ControlClient, ControlServer } from '../src/index.js'
import { isLive } from '../src/take-socket.js'
import { leaveStaleSocket, RawClient, startServer, temporaryFolder } from './_util/harness.js'

const create = (folder: string) => ControlServer.create({ folder, version: 'x', commands: [] })
const alreadyRunning = expect.objectContaining({ code: 'ALREADY_RUNNING' })

describe('the control socket as the guard of its folder', () => {
  it('lets a second daemon not start, even while the first one hangs', async () => {
    const server = await startServer([])
    await expect(create(path.dirname(server.path))).rejects.toEqual(alreadyRunning)
    const busy = await RawClient.connect(server.path) // connected, never answered
    await expect(create(path.dirname(server.path))).rejects.toEqual(alreadyRunning)
    busy.socket.destroy()
    expect(await readdir(path.dirname(server.path))).toEqual(['control.sock'])
  })

  it('replaces what a killed daemon left: socket, claim, and old half-made sockets', async () => {
    const folder = await temporaryFolder()
    for (const name of ['control.sock', '.claim-00000000', '.start-00000000']) {
      await leaveStaleSocket(path.join(folder, name))
    }
    await leaveStaleSocket(path.join(folder, '.start-11111111'))
    await utimes(path.join(folder, '.start-00000000'), 0, 0)
    await startServer([], { folder })
    expect((await readdir(folder)).sort()).toEqual(['.start-11111111', 'control.sock'])
    await ControlClient.connect({ folder }).then((client) => client.close())
  })

  it('replaces a plain file in its place', async () => {
    const folder = await temporaryFolder()
    await writeFile(path.join(folder, 'control.sock'), '')
    await startServer([], { folder })
    expect(await isLive(path.join(folder, 'control.sock'))).toBe(true)
  })

  it('gives the folder to exactly one of many that start at once, stale socket or none', async () => {
    for (let round = 0; round < 20; round++) {
      const folder = await temporaryFolder()
      if (round % 2 === 0) await leaveStaleSocket(path.join(folder, 'control.sock'))
      const results = await Promise.allSettled(Array.from({ length: 12 }, () => create(folder)))
      const servers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      const reasons = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
      for (const server of servers) onTestFinished(() => server.close())
      expect(servers).toHaveLength(1)
      for (const reason of reasons) expect(reason).toEqual(alreadyRunning)
      expect(await readdir(folder)).toEqual(['control.sock'])
    }
  })

  it('can be taken again and again by whoever comes first after a clean stop', async () => {
    const folder = await temporaryFolder()
    for (let round = 0; round < 20; round++) {
      const stopping = await create(folder)
      const [, ...results] = await Promise.allSettled([stopping.close(), create(folder), create(folder)])
      const servers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
      expect(servers.length).toBeLessThanOrEqual(1)
      for (const server of servers) {
        expect(await isLive(server.path)).toBe(true)
        await server.close()
      }
      expect(await readdir(folder)).toEqual([])
    }
  })

  it('gives up when its signal aborts', async () => {
    const folder = await temporaryFolder()
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(ControlServer.create({ folder, version: 'x', commands: [], signal })).rejects.toThrow('enough')
    expect(await readdir(folder)).toEqual([])
  })

  it('goes from process to process as each owner is killed', { timeout: 60_000 }, async () => {
    const folder = await temporaryFolder()
    const starters = await Promise.all(Array.from({ length: 5 }, () => startProcess(folder)))
    while (starters.length > 0) {
      const answers = await Promise.all(starters.map((starter) => ask(starter)))
      expect(answers.filter((answer) => answer === 'running')).toHaveLength(1)
      expect(answers.filter((answer) => answer === 'ALREADY_RUNNING')).toHaveLength(starters.length - 1)
      const [owner] = starters.splice(answers.indexOf('running'), 1)
      const client = await ControlClient.connect({ folder })
      expect(client.daemonVersion).toBe(`pid ${owner?.pid}`)
      await client.close()
      if (owner !== undefined) await kill(owner)
      expect(await readdir(folder)).toEqual(['control.sock'])
    }
  })
})

async function startProcess(folder: string): Promise<ChildProcess> {
  const child = fork(new URL('./_util/starter.mjs', import.meta.url), [folder], {
    execArgv: ['--conditions=@pc/source', '--import=tsx'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child, 'message')
  return child
}

async function ask(child: ChildProcess): Promise<string> {
  const answer = once(child, 'message')
  child.send('go')
  const [text] = await answer
  return String(text)
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
