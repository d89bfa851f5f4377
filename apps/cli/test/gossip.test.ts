import { describe, expect, it } from 'vitest'
import { Interruption } from '../src/io.js'
import { documents, fakeDaemon, NOW, pc } from './_util/harness.js'

describe('broadcast', () => {
  it('tells everybody a text, from the command line or stdin', async () => {
    const asked: Record<string, unknown>[] = []
    const { folder } = await fakeDaemon({
      broadcast: async (args) => {
        asked.push(args)
        return { id: 'ab', topic: args.topic, online: 3 - asked.length }
      },
    })
    const sent = [
      await pc(folder, ['broadcast', 'lunch', 'is', 'ready']),
      await pc(folder, ['broadcast', '-', '--topic', 'food'], { stdin: 'soup\n' }),
      await pc(folder, ['broadcast', '-t', 'x', '--ttl', '60000', '--', '-1']),
    ]
    expect(sent).toEqual([
      { exitCode: 0, stdout: '', stderr: 'on its way to all 2 peers that are here\n' },
      { exitCode: 0, stdout: '', stderr: 'on its way to the one other peer\n' },
      { exitCode: 0, stdout: '', stderr: 'nobody is here: who comes soon gets it\n' },
    ])
    expect(asked).toEqual([
      { topic: 'news', text: 'lunch is ready' },
      { topic: 'food', text: 'soup' },
      { topic: 'x', text: '-1', ttlMs: 60_000 },
    ])
    const json = await pc(folder, ['broadcast', 'x', '--json'])
    expect(documents(json.stdout)).toEqual([{ schema: 'pc.broadcast/1', id: 'ab', topic: 'news', online: -1 }])
  })

  it.each([
    [['broadcast']],
    [['broadcast', '-']],
    [['broadcast', 'x', '--ttl', '0']],
    [['broadcast', 'x', '--ttl', '600001']],
    [['watch', 'x']],
    [['watch', '--count', '0']],
    [['search']],
    [['search', 'x', '-n', '1001']],
  ])('%j is no command line', async (argv) => {
    const { folder } = await fakeDaemon({})
    expect(await pc(folder, argv)).toMatchObject({ exitCode: 2, stdout: '' })
  })
})

describe('watch', () => {
  const news = (text: string | null, more: object = {}) => ({
    id: 'ab',
    topic: 'news',
    from: { id: 'annasid', label: 'anna' },
    text,
    base64: text === null ? 'AAE=' : null,
    bytes: 2,
    createdAt: 0,
    ageMs: 61_000,
    hops: 1,
    ...more,
  })

  it('shows what others tell, by the clock of this machine, and nothing that acts', async () => {
    const { folder } = await fakeDaemon({
      watch: async function* () {
        yield news('two\nlines \u001b[2J')
        yield news(null, { topic: 'bad\u202etopic', from: { label: 'b\u001b]0;x' } })
      },
    })
    const at = new Date(NOW - 61_000)
    const shown = await pc(folder, ['watch'])
    const lines = shown.stdout.split('\n')
    expect(lines.map((line) => line.replace(/^.*?\d\d:\d\d:\d\d/, ''))).toEqual([
      '  anna  [news]  two',
      '    lines \ufffd[2J',
      '  b\ufffd]0;x  [bad\ufffdtopic]  (2 bytes that are no text)',
      '',
    ])
    expect(lines[0]).toContain(
      `:${String(at.getMinutes()).padStart(2, '0')}:${String(at.getSeconds()).padStart(2, '0')}`,
    )
    expect(shown).toMatchObject({ exitCode: 0, stderr: 'the daemon ended the stream\n' })
  })

  it('ends after so many, and tells the daemon; JSON documents stand one a line', async () => {
    const asked: unknown[] = []
    let ended = (): void => {}
    const cancelled = new Promise<void>((resolve) => {
      ended = resolve
    })
    const { folder } = await fakeDaemon({
      watch: async function* (args, { signal }) {
        asked.push(args)
        signal.addEventListener('abort', ended)
        for (;;) yield news('x')
      },
    })
    const shown = await pc(folder, ['watch', '--topic', 'news', '-c', '2', '--json'])
    expect(documents(shown.stdout)).toEqual([
      { schema: 'pc.news/1', ...news('x') },
      { schema: 'pc.news/1', ...news('x') },
    ])
    expect([shown.exitCode, asked]).toEqual([0, [{ topic: 'news' }]])
    await cancelled
  })

  it('gives up in time when it was told to', async () => {
    const { folder } = await fakeDaemon({
      watch: async function* (_, { signal }) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        yield* []
      },
    })
    expect(await pc(folder, ['watch', '-c', '1', '--timeout', '20'])).toMatchObject({ exitCode: 6 })
  })
})

describe('search', () => {
  const match = (name: string, capabilities: string[]) => ({
    label: name,
    name,
    id: `${name}-whole`,
    shortId: `${name}-id`,
    state: 'online',
    self: false,
    addresses: capabilities.length === 0 ? [] : ['10.0.0.1:3485', '[fd00::1]:3485'],
    capabilities: ['other', ...capabilities],
    matched: { name: capabilities.length === 0, capabilities },
  })

  it('shows each match as it comes, and what fits', async () => {
    const asked: unknown[] = []
    const { folder } = await fakeDaemon({
      search: async function* (args) {
        asked.push(args)
        yield match('anna', ['printer', 'printer-a3'])
        yield match('print\u001bserver', [])
      },
    })
    const shown = await pc(folder, ['search', 'print', 'x', '-n', '7', '--timeout', '99000'])
    expect(shown).toEqual({
      exitCode: 0,
      stdout: 'anna  anna-id  10.0.0.1:3485  printer printer-a3\nprint\ufffdserver  print\ufffdserver-id  -\n',
      stderr: '2 peers\n',
    })
    const json = documents((await pc(folder, ['search', 'print', '--json'])).stdout)
    expect(json[0]).toEqual({ schema: 'pc.match/1', ...match('anna', ['printer', 'printer-a3']) })
    expect(asked).toEqual([
      { text: 'print x', limit: 7, deadlineMs: 30_000 },
      { text: 'print', deadlineMs: 3_000 },
    ])
  })

  it('exits with 4 when nobody fits', async () => {
    const { folder } = await fakeDaemon({
      search: async function* () {
        yield* []
      },
    })
    const shown = await pc(folder, ['search', 'nobody'])
    expect(shown).toMatchObject({ exitCode: 4, stdout: '' })
    expect(shown.stderr).toContain('pc: nobody answered to "nobody"\n')
  })

  it('is cancelled by Ctrl-C', async () => {
    const abort = new AbortController()
    let ended = (): void => {}
    const cancelled = new Promise<void>((resolve) => {
      ended = resolve
    })
    const { folder } = await fakeDaemon({
      search: async function* (_, { signal }) {
        signal.addEventListener('abort', ended)
        yield match('anna', [])
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
    const onStdout = (): void => abort.abort(new Interruption('SIGINT'))
    const shown = await pc(folder, ['search', 'anna'], { signal: abort.signal, onStdout })
    expect(shown).toEqual({ exitCode: 130, stdout: 'anna  anna-id  -\n', stderr: '' })
    await cancelled
  })
})
