import { chmod } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { ControlError, type ControlErrorCode } from '@pc/control'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ExitCode } from '../src/exit-codes.js'
import { Interruption } from '../src/io.js'
import { documents, fakeDaemon, pc, temporaryFolder } from './_util/harness.js'

const fails = (code: ControlErrorCode) => ({
  send: async () => {
    throw new ControlError(code, 'the words of the daemon')
  },
})

describe('exit codes', () => {
  it.each([
    ['PEER_NOT_FOUND', 4],
    ['PEER_AMBIGUOUS', 4],
    ['PEER_OFFLINE', 4],
    ['DENIED', 5],
    ['TIMEOUT', 6],
    ['VERSION_MISMATCH', 8],
    ['BAD_ARGUMENTS', 2],
    ['REQUEST_FAILED', 1],
    ['BUSY', 1],
    ['SLOW_CLIENT', 1],
  ] as const)('%s is %i', async (code, exitCode) => {
    const { folder } = await fakeDaemon(fails(code))
    const shown = await pc(folder, ['send', 'berta', 'x'])
    expect(shown).toMatchObject({ exitCode, stdout: '' })
    expect(shown.stderr).toContain('pc: the words of the daemon\n')
    const json = await pc(folder, ['send', 'berta', 'x', '--json'])
    expect(json).toMatchObject({ exitCode, stdout: '' })
    expect(documents(json.stderr)).toMatchObject([{ schema: 'pc.error/1', code, exitCode }])
  })

  it.each([
    ['an unknown command', ['dance'], /unknown command 'dance'/],
    ['a missing argument', ['send'], /missing required argument 'peer'/],
    ['options that exclude each other', ['peers', '--all', '--watch'], /cannot be used with option/],
    ['no command', [], /no command/],
  ])('2: %s, as a document with --json', async (_name, argv, says) => {
    const json = await pc(await temporaryFolder(), [...argv, '--json'])
    expect(json).toMatchObject({ exitCode: 2, stdout: '' })
    expect(documents(json.stderr)).toMatchObject([
      { schema: 'pc.error/1', code: 'USAGE', exitCode: 2, message: expect.stringMatching(says) },
    ])
  })

  it('3: the daemon is not running, with what to do', async () => {
    const folder = await temporaryFolder()
    const commands = [
      ['status'],
      ['peers'],
      ['ping', 'x'],
      ['send', 'x', 'y'],
      ['inbox'],
      ['inbox', '-f'],
      ['request', 'x', 'y'],
      ['id'],
    ]
    for (const argv of commands) {
      expect(await pc(folder, argv)).toEqual({
        exitCode: 3,
        stdout: '',
        stderr: 'pc: the daemon is not running\n    pc up starts it\n',
      })
    }
  })

  it('3: the daemon goes away in the middle', async () => {
    const folder = await temporaryFolder()
    const daemon = await fakeDaemon(
      {
        id: async () => {
          throw new ControlError('CONNECTION_CLOSED', 'gone')
        },
      },
      folder,
    )
    expect(await pc(daemon.folder, ['id'])).toMatchObject({ exitCode: 3 })
  })

  it('1: the daemon fails', async () => {
    const { folder } = await fakeDaemon({
      id: async () => {
        throw new TypeError('inside')
      },
    })
    const shown = await pc(folder, ['id'])
    expect(shown).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('daemon.log') })
    expect(shown.stderr).not.toContain('TypeError')
  })

  it('8: the daemon does not know the command, or speaks another protocol', async () => {
    const { folder } = await fakeDaemon({})
    expect(await pc(folder, ['id'])).toMatchObject({
      exitCode: 8,
      stderr: expect.stringContaining('pc down, then pc up'),
    })
  })

  it('6: no answer within --timeout, from a command and from a daemon that hangs', async () => {
    const { folder } = await fakeDaemon({ id: () => new Promise(() => {}) })
    expect(await pc(folder, ['id', '--timeout', '20'])).toMatchObject({
      exitCode: 6,
      stderr: expect.stringContaining('--timeout <ms> waits longer'),
    })
    const hanging = await temporaryFolder()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(path.join(hanging, 'control.sock'), resolve))
    onTestFinished(() => void server.close())
    expect(await pc(hanging, ['id', '--timeout', '20'])).toMatchObject({ exitCode: 6 })
  })

  it.each([
    [[]],
    [['nonsense']],
    [['send', 'berta']],
    [['ping', 'berta', '-c', '0']],
    [['ping', 'berta', '-c', 'x']],
    [['--timeout', '1.5', 'id']],
    [['id', '--wat']],
    [['id', 'too', 'many']],
    [['help', 'nonsense']],
    [['send', 'berta', '']],
  ])('2: pc %j is wrong', async (argv) => {
    const { folder } = await fakeDaemon({})
    const shown = await pc(folder, argv)
    expect(shown).toMatchObject({ exitCode: 2, stdout: '' })
    expect(shown.stderr).not.toBe('')
  })

  it('2: a state folder that no socket fits into', async () => {
    expect(await pc(`/${'x'.repeat(120)}`, ['id'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--state <folder> chooses another'),
    })
  })

  it.skipIf(process.getuid?.() === 0)('5: the socket is somebody else’s', async () => {
    const { folder } = await fakeDaemon({})
    await chmod(folder, 0)
    expect(await pc(folder, ['id'])).toMatchObject({ exitCode: 5 })
    await chmod(folder, 0o700)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['CLOSED', 0],
  ] as const)('%s is %i, in a stream, in a call and before anything', async (cause, exitCode) => {
    const { folder } = await fakeDaemon({
      id: () => new Promise(() => {}),
      inbox: async () => ({ messages: [] }),
      'inbox.follow': async function* (_args, { signal }) {
        yield { sequence: 1, text: 'one', from: { label: 'berta' } }
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
    const stream = new AbortController()
    const followed = await pc(folder, ['inbox', '-f'], {
      signal: stream.signal,
      onStdout: () => stream.abort(new Interruption(cause)),
    })
    expect(followed.exitCode).toBe(exitCode)
    expect(followed.stdout).toContain('one')
    const early = AbortSignal.abort(new Interruption(cause))
    expect(await pc(folder, ['id'], { signal: early })).toMatchObject({ exitCode })
    const reading = new AbortController()
    const endless: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          reading.abort(new Interruption(cause))
          return new Promise(() => {})
        },
      }),
    }
    const stdin = await pc(folder, ['send', 'berta', '-'], { signal: reading.signal, stdin: endless })
    expect(stdin.exitCode).toBe(exitCode)
  })

  it('are all told by pc help exit-codes', async () => {
    const { exitCode, stdout } = await pc('/nowhere', ['help', 'exit-codes'])
    expect(exitCode).toBe(0)
    for (const code of Object.values(ExitCode)) expect(stdout).toMatch(new RegExp(`^ +${code}  \\S`, 'm'))
  })

  it('0: help of everything', async () => {
    for (const argv of [['help'], ['--help'], ['help', 'send'], ['send', '--help']]) {
      expect(await pc('/nowhere', argv)).toMatchObject({
        exitCode: 0,
        stdout: expect.stringContaining('Usage: pc'),
        stderr: '',
      })
    }
  })
})
