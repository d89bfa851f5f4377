import { describe, expect, it, onTestFinished } from 'vitest'
import type { StartDaemon, StartedDaemon, StartOptions } from '../src/start-daemon.js'
import { documents, fakeDaemon, pc, temporaryFolder } from './_util/harness.js'

const STATUS = { name: 'anna', id: 'long', shortId: 'short', pid: 77, addresses: ['127.0.0.1:3485'] }

/** A process that is none: `behave` plays it. */
function fakeProcess(behave: (options: StartOptions, exit: Exit) => void | Promise<void>): {
  start: StartDaemon
  started: StartOptions[]
  killed: string[]
} {
  const started: StartOptions[] = []
  const killed: string[] = []
  const start: StartDaemon = async (options) => {
    started.push(options)
    let exit: Exit = () => {}
    const exited = new Promise<Awaited<StartedDaemon['exited']>>((resolve) => {
      exit = (code, error) => resolve({ code, signal: null, ...(error === undefined ? {} : { error }) })
    })
    await behave(options, exit)
    return {
      pid: 77,
      logPath: `${options.state}/daemon.log`,
      exited,
      logTail: async () => ['first line', 'port in use'],
      kill: (signal) => void killed.push(signal),
      release: () => {},
    }
  }
  return { start, started, killed }
}

type Exit = (code: number | null, error?: Error) => void

describe('up', () => {
  it('starts the daemon, waits until it answers, and says where it is', async () => {
    const folder = await temporaryFolder()
    const { start, started } = fakeProcess(({ state }) => {
      setImmediate(() => void fakeDaemon({ status: async () => STATUS }, state))
    })
    const argv = ['up', '--name', 'anna', '--network', 'home', '--interfaces', 'lo', '--capabilities', 'printer,a3']
    const shown = await pc(folder, argv, { startDaemon: start })
    expect(shown.exitCode).toBe(0)
    expect(shown.stdout).toBe(
      `name       anna\nid         short  (long)\naddresses  127.0.0.1:3485\nlog        ${folder}/daemon.log\n`,
    )
    expect(started).toEqual([
      {
        state: folder,
        foreground: false,
        args: [
          '--state',
          folder,
          '--name',
          'anna',
          '--network',
          'home',
          '--interfaces',
          'lo',
          '--capabilities',
          'printer,a3',
        ],
      },
    ])
  })

  it('is content with a daemon that runs already', async () => {
    const { folder } = await fakeDaemon({ status: async () => STATUS })
    const shown = await pc(folder, ['up'])
    expect(shown).toMatchObject({ exitCode: 0, stderr: 'the daemon is already running\n' })
    expect(shown.stdout).toContain('name       anna')
    expect(documents((await pc(folder, ['up', '--json'])).stdout)).toMatchObject([
      { schema: 'pc.up/1', started: false, status: { name: 'anna' } },
    ])
  })

  it('is content with a daemon that another pc up started a moment earlier', async () => {
    const folder = await temporaryFolder()
    const { start } = fakeProcess(async ({ state }, exit) => {
      await fakeDaemon({ status: async () => ({ ...STATUS, pid: 78 }) }, state)
      exit(1)
    })
    const shown = await pc(folder, ['up', '--json'], { startDaemon: start })
    expect(shown.exitCode).toBe(0)
    expect(documents(shown.stdout)).toMatchObject([{ started: false, status: { pid: 78 } }])
  })

  it('shows the end of the log when the daemon ends early', async () => {
    const folder = await temporaryFolder()
    const { start } = fakeProcess((_options, exit) => exit(1))
    const shown = await pc(folder, ['up'], { startDaemon: start })
    expect(shown).toMatchObject({ exitCode: 1, stdout: '' })
    expect(shown.stderr).toBe(
      `pc: the daemon did not start (exit code 1); it said:\n    first line\n    port in use\n    its log is ${folder}/daemon.log\n`,
    )
    const broken = fakeProcess((_options, exit) => exit(null, new Error('spawn ENOENT')))
    expect((await pc(folder, ['up'], { startDaemon: broken.start })).stderr).toContain('(spawn ENOENT)')
  })

  it('gives up on a daemon that never answers', async () => {
    const folder = await temporaryFolder()
    const { start } = fakeProcess(() => {})
    expect(await pc(folder, ['up', '--timeout', '30'], { startDaemon: start })).toMatchObject({
      exitCode: 6,
      stderr: expect.stringContaining(`${folder}/daemon.log`),
    })
  })

  it('stays with --foreground, and ends as the daemon ends', async () => {
    const folder = await temporaryFolder()
    const good = fakeProcess((_options, exit) => exit(0))
    expect(await pc(folder, ['up', '--foreground'], { startDaemon: good.start })).toMatchObject({ exitCode: 0 })
    expect(good.started).toMatchObject([{ foreground: true }])
    const bad = fakeProcess((_options, exit) => exit(2))
    expect(await pc(folder, ['up', '--foreground'], { startDaemon: bad.start })).toMatchObject({ exitCode: 1 })
  })
})

describe('down', () => {
  it('asks the daemon to stop, and waits until the socket is gone', async () => {
    const folder = await temporaryFolder()
    let stopped = false
    const { server } = await fakeDaemon(
      {
        down: async () => {
          setImmediate(() => void server.close().then(() => (stopped = true)))
          return {}
        },
      },
      folder,
    )
    onTestFinished(() => server.close())
    expect(await pc(folder, ['down'])).toEqual({ exitCode: 0, stdout: 'stopped\n', stderr: '' })
    expect(stopped).toBe(true)
  })

  it('is content with a daemon that does not run', async () => {
    const folder = await temporaryFolder()
    expect(await pc(folder, ['down'])).toEqual({ exitCode: 0, stdout: '', stderr: 'the daemon is not running\n' })
    expect(documents((await pc(folder, ['down', '--json'])).stdout)).toEqual([{ schema: 'pc.down/1', stopped: false }])
  })

  it('gives up on a daemon that does not stop', async () => {
    const { folder } = await fakeDaemon({ down: async () => ({}) })
    expect(await pc(folder, ['down', '--timeout', '60'])).toMatchObject({ exitCode: 6 })
  })
})
