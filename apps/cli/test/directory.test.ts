import { ControlError } from '@pc/control'
import { describe, expect, it } from 'vitest'
import { documents, fakeDaemon, pc } from './_util/harness.js'

const KEY = 'ab'.repeat(32)
const record = (name: string, more: object = {}) => ({
  label: name,
  name,
  id: name.repeat(10),
  shortId: `${name}id`,
  state: null,
  self: false,
  addresses: ['10.0.0.1:3485', '[fd00::1]:3485'],
  capabilities: [],
  ...more,
})

describe('put', () => {
  it('stores texts, JSON when told, and values without a name', async () => {
    const asked: Record<string, unknown>[] = []
    const { folder } = await fakeDaemon({
      put: async (args) => {
        asked.push(args)
        const named = args.name === undefined ? {} : { name: args.name, sequence: 3 }
        return { key: KEY, holders: 2, ...named }
      },
    })
    expect(await pc(folder, ['put', 'greeting', '42'])).toEqual({
      exitCode: 0,
      stdout: 'greeting  #3\n',
      stderr: 'held by 2 peers\n',
    })
    await pc(folder, ['put', 'n', '{"a":[1]}', '--parse', '--expect', '0'])
    await pc(folder, ['put', 'n', '-'], { stdin: 'from stdin\n' })
    expect((await pc(folder, ['put', '--plain', 'for ever'])).stdout).toBe(`${KEY}\n`)
    expect(asked).toEqual([
      { name: 'greeting', value: '42' },
      { name: 'n', value: { a: [1] }, expected: 0 },
      { name: 'n', value: 'from stdin' },
      { value: 'for ever' },
    ])
    const json = await pc(folder, ['put', 'x', 'y', '--json'])
    expect(documents(json.stdout)).toEqual([{ schema: 'pc.put/1', key: KEY, holders: 2, name: 'x', sequence: 3 }])
    expect(json.stderr).toBe('')
  })

  it.each([
    [['put', 'name']],
    [['put', '--plain', 'a', 'b']],
    [['put', 'name', '{', '--parse']],
    [['put', 'name', 'value', '--expect', '-1']],
    [['get']],
    [['get', 'name', '--key', KEY]],
    [['get', '--key', KEY, '--from', 'anna']],
  ])('%j is no command line', async (argv) => {
    const { folder } = await fakeDaemon({})
    expect(await pc(folder, argv)).toMatchObject({ exitCode: 2, stdout: '' })
  })
})

describe('get', () => {
  it('prints a text as it is, and everything else as JSON', async () => {
    const asked: unknown[] = []
    const values: unknown[] = ['two\nlines \u001b[2J', { a: 1 }, 'x']
    const { folder } = await fakeDaemon({
      get: async (args) => {
        asked.push(args)
        return { key: KEY, value: values.shift(), author: 'a', name: 'n', sequence: 1 }
      },
    })
    expect((await pc(folder, ['get', 'n'])).stdout).toBe('two\nlines \ufffd[2J\n')
    expect((await pc(folder, ['get', 'n', '--from', 'anna'])).stdout).toBe('{\n  "a": 1\n}\n')
    const json = documents((await pc(folder, ['get', '--key', KEY, '--json'])).stdout)
    expect(json).toEqual([{ schema: 'pc.value/1', key: KEY, value: 'x', author: 'a', name: 'n', sequence: 1 }])
    expect(asked).toEqual([{ name: 'n' }, { name: 'n', from: 'anna' }, { key: KEY }])
  })

  it.each([
    ['NOT_FOUND', 9, '--from'],
    ['CONFLICT', 10, 'pc get'],
  ] as const)('exits with a number of its own for %s', async (code, exitCode, hint) => {
    const fail = () => Promise.reject(new ControlError(code, 'no luck'))
    const { folder } = await fakeDaemon({ get: fail })
    expect(await pc(folder, ['get', 'n'])).toEqual({
      exitCode,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`^pc: no luck\n.*${hint}`)) as string,
    })
  })
})

describe('peers --all and find', () => {
  it('show everybody of all pages, whether known here or not', async () => {
    const { folder } = await fakeDaemon({
      'peers.all': async function* () {
        yield { peers: [record('carl'), record('anna', { state: 'online' })] }
        yield { peers: [record('berta', { self: true, addresses: [] })] }
      },
    })
    const shown = await pc(folder, ['peers', '--all'])
    expect(shown.stdout.split('\n')).toEqual([
      'NAME   ID       STATE     ADDRESS',
      'anna   annaid   online    10.0.0.1:3485 +1',
      'berta  bertaid  this one  -',
      'carl   carlid   -         10.0.0.1:3485 +1',
      '',
    ])
    expect(shown.stderr).toBe('3 in the network\n')
    const [document] = documents((await pc(folder, ['peers', '-a', '--json'])).stdout)
    expect(document).toMatchObject({
      schema: 'pc.directory/1',
      peers: [{ name: 'anna' }, { name: 'berta' }, { name: 'carl' }],
    })
  })

  it('find by name or id, and exit with 4 when nobody fits', async () => {
    const { folder } = await fakeDaemon({
      find: async ({ text }) => {
        if (text === 'nobody') throw new ControlError('PEER_NOT_FOUND', 'nobody is called that')
        return { peers: [record(String(text))] }
      },
    })
    expect((await pc(folder, ['find', 'anna'])).stdout).toContain('anna  annaid  -      10.0.0.1:3485 +1\n')
    expect(documents((await pc(folder, ['find', 'anna', '--json'])).stdout)).toMatchObject([{ schema: 'pc.found/1' }])
    expect((await pc(folder, ['find', 'nobody'])).exitCode).toBe(4)
  })
})

describe('dht', () => {
  const step = (label: string | null, askedAtMs: number, tookMs: number, named: number | null) => ({
    type: 'step',
    id: 'x',
    shortId: 'shortid1',
    label,
    address: '10.0.0.1:3485',
    sharedBits: 4,
    askedAtMs,
    tookMs,
    named,
  })
  const result = {
    type: 'result',
    asked: 2,
    answered: 1,
    failed: 1,
    slow: 0,
    hops: 1,
    tookMs: 12,
    nearest: [{ label: 'anna' }],
  }

  it('trace draws each request on a time line, in the order they were asked', async () => {
    const { folder } = await fakeDaemon({
      'dht.trace': async function* () {
        yield step(null, 6, 6, null)
        yield step('anna', 0, 6, 20)
        yield result
      },
    })
    const shown = await pc(folder, ['dht', 'trace', 'anna'])
    expect(shown.stdout.split('\n')).toEqual([
      '#  PEER      WHEN                      TOOK  NEAR    ANSWER',
      `1  anna      ${'█'.repeat(12)}${' '.repeat(12)}  6 ms  4 bits  20 peers`,
      `2  shortid1  ${' '.repeat(12)}${'×'.repeat(12)}  6 ms  4 bits  none`,
      '',
    ])
    expect(shown.stderr).toBe('12 ms, 1 hop: 2 asked, 1 answered, 1 failed, 0 slow; nearest: anna\n')
    const json = documents((await pc(folder, ['dht', 'trace', 'anna', '--json'])).stdout)
    expect(json.map(({ schema, type }) => [schema, type])).toEqual([
      ['pc.trace/1', 'step'],
      ['pc.trace/1', 'step'],
      ['pc.trace/1', 'result'],
    ])
  })

  it('table draws the buckets, the farthest first', async () => {
    const contact = (label: string, state = 'verified') => ({
      id: 'x',
      shortId: 'i',
      label,
      address: 'a',
      state,
      roundTripMs: 2,
    })
    const table = {
      position: 'f'.repeat(64),
      buckets: [
        { prefix: '11', waiting: 0, contacts: [] },
        {
          prefix: '0',
          waiting: 2,
          contacts: ['a', 'b', 'c', 'd'].map((name) => contact(name)).concat(contact('e', 'questionable')),
        },
        { prefix: '10', waiting: 0, contacts: [contact('f')] },
      ],
    }
    const { folder } = await fakeDaemon({ 'dht.table': async () => table })
    const shown = await pc(folder, ['dht', 'table'])
    expect(shown.stdout.split('\n')).toEqual([
      'SHARED BITS  CONTACTS                 WAIT  FASTEST  WHO',
      `0            ████░${'·'.repeat(15)}  5  2     2 ms     a b c +2`,
      `1            █${'·'.repeat(19)}  1  0     2 ms     f`,
      `2            ${'·'.repeat(20)}  0  0     -`,
      '',
    ])
    expect(shown.stderr).toBe('6 contacts, 1 in doubt (░)\n')
    expect(documents((await pc(folder, ['dht', 'table', '--json'])).stdout)).toEqual([
      { schema: 'pc.table/1', ...table },
    ])
  })
})
