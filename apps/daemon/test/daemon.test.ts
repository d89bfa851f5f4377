/** The daemon in this process: real socket, real peer on loopback. */
import { randomInt } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ControlClient } from '@pc/control'
import { silentLogger } from '@pc/transport'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Config } from '../src/config.js'
import { type Daemon, startDaemon } from '../src/daemon.js'
import { openLog } from '../src/log.js'

const network = `daemon-test-${process.pid}`
const discoveryPort = 20_000 + randomInt(20_000)
let folder = ''
const daemons: Daemon[] = []
const clients: ControlClient[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pcd-test-'))
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await Promise.all(daemons.splice(0).map((daemon) => daemon.close()))
  rmSync(folder, { recursive: true })
})

async function start(
  name: string,
  more: Partial<Config> = {},
  stop: AbortController = new AbortController(),
): Promise<ControlClient> {
  const state = join(folder, name)
  const config: Config = {
    name,
    network,
    networkSecret: undefined,
    interfaces: process.env.PC_INTERFACES ?? '',
    capabilities: '',
    port: 0,
    discoveryPort,
    state,
    log: 'silent',
    logIds: 'masked',
    journal: '',
    ...more,
  }
  daemons.push(await startDaemon(config, openLog(silentLogger, config.logIds), stop))
  const client = await ControlClient.connect({ folder: config.state })
  clients.push(client)
  return client
}

async function bothUp(one: ControlClient, name: string): Promise<void> {
  for (;;) {
    const { peers } = (await one.call('peers')) as { peers: { name: string; state: string }[] }
    if (peers.some((peer) => peer.name === name && peer.state === 'online')) return
  }
}

describe('the daemon', () => {
  it('answers status, finds its neighbour, and carries texts and requests', async () => {
    const journal = join(folder, 'journal.ndjson')
    const one = await start('one')
    const two = await start('two', { journal })
    await bothUp(one, 'two')
    expect(await one.call('status')).toMatchObject({ name: 'one', network, peers: { online: 1, offline: 0 } })

    const followed = two.stream('inbox.follow', { after: 0 })
    await one.call('send', { peer: 'two', text: 'hello' })
    expect((await followed.next()).value).toMatchObject({ text: 'hello', from: { label: 'one' } })
    await followed.return?.()
    expect(JSON.parse(readFileSync(journal, 'utf8'))).toMatchObject({ text: 'hello' })
    expect(await two.call('inbox')).toMatchObject({ messages: [{ text: 'hello', verified: false }] })
    expect(await one.call('request', { peer: 'two', name: 'echo', payload: { a: [1] } })).toEqual({ reply: { a: [1] } })
    const pongs: unknown[] = []
    for await (const pong of one.stream('ping', { peer: 'two', count: 2, intervalMs: 0 })) pongs.push(pong)
    expect(pongs).toMatchObject([{ sequence: 1 }, { sequence: 2 }])
  })

  it.each([
    ['send', { peer: 'nobody', text: 'x' }, 'PEER_NOT_FOUND'],
    ['send', { peer: 'two' }, 'BAD_ARGUMENTS'],
    ['request', { peer: 'nobody', name: 'echo' }, 'PEER_NOT_FOUND'],
    ['dance', {}, 'UNKNOWN_COMMAND'],
    ['status', { loud: true }, 'BAD_ARGUMENTS'],
  ])('refuses %s %j with %s', async (command, args, code) => {
    const one = await start('one')
    await expect(one.call(command, args)).rejects.toMatchObject({ code })
  })

  it('refuses a request that nobody handles, with its reason', async () => {
    const one = await start('one')
    await start('two')
    await bothUp(one, 'two')
    await expect(one.call('request', { peer: 'two', name: 'nothing' })).rejects.toMatchObject({
      code: 'REQUEST_FAILED',
      details: { reason: 'NO_HANDLER' },
    })
  })

  it('puts and gets values, finds everybody by the lists, and shows a lookup and the table', async () => {
    const one = await start('one')
    const two = await start('two')
    await bothUp(one, 'two')
    await bothUp(two, 'one')
    const contacts = async (client: ControlClient): Promise<unknown> =>
      ((await client.call('status')) as { directory: { contacts: number } }).directory.contacts
    for (const client of [one, two]) while ((await contacts(client)) !== 1);

    const put = (await one.call('put', { name: 'printer', value: { floor: 2 } })) as { key: string }
    expect(put).toMatchObject({ name: 'printer', sequence: 1, holders: 2 })
    const entry = {
      key: put.key,
      value: { floor: 2 },
      name: 'printer',
      sequence: 1,
      author: expect.any(String) as string,
    }
    expect(await two.call('get', { name: 'printer', from: 'one' })).toEqual(entry)
    expect(await two.call('get', { key: put.key })).toEqual(entry)
    const plain = (await two.call('put', { value: 'for ever' })) as { key: string }
    expect(await one.call('get', { key: plain.key })).toMatchObject({ value: 'for ever', author: null, sequence: null })
    await expect(two.call('get', { name: 'printer' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(one.call('put', { name: 'printer', value: 1, expected: 7 })).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await expect(one.call('put', { name: 'n'.repeat(40), value: 1 })).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' })
    await expect(one.call('put', { name: 'n', value: 'x'.repeat(2_000) })).rejects.toMatchObject({
      code: 'BAD_ARGUMENTS',
    })
    await expect(one.call('get', {})).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' })
    await expect(one.call('get', { key: 'x' })).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' })

    const all = async (): Promise<string[]> => {
      const names: string[] = []
      for await (const page of one.stream('peers.all')) {
        names.push(...(page as { peers: { name: string }[] }).peers.map(({ name }) => name))
      }
      return names.sort()
    }
    await expect.poll(all, { timeout: 10_000 }).toEqual(['one', 'two'])
    const { id } = (await two.call('id')) as { id: string }
    const found = { peers: [{ label: 'two', name: 'two', id, state: 'online', self: false }] }
    for (const text of ['two', 'tw', id, id.slice(0, 6)]) expect(await one.call('find', { text })).toMatchObject(found)
    await expect(one.call('find', { text: 'nobody' })).rejects.toMatchObject({ code: 'PEER_NOT_FOUND' })

    const steps: unknown[] = []
    for await (const step of one.stream('dht.trace', { target: 'two' })) steps.push(step)
    expect(steps).toMatchObject([
      { type: 'step', label: 'two', id, sharedBits: 256, named: 0 },
      { type: 'result', asked: 1, answered: 1, failed: 0, hops: 1, nearest: [{ id }] },
    ])
    await expect(one.stream('dht.trace', { target: 'nobody' }).next()).rejects.toMatchObject({ code: 'PEER_NOT_FOUND' })
    expect(await one.call('dht.table')).toMatchObject({
      buckets: [{ prefix: '', waiting: 0, contacts: [{ id, label: 'two', state: 'verified' }] }],
    })

    // For the next run.
    await daemons.shift()?.close()
    const state = JSON.parse(readFileSync(join(folder, 'one', 'state.json'), 'utf8')) as { contacts: unknown[] }
    expect(state.contacts).toMatchObject([{ id }])
  })

  it('tells everybody, watches, and searches by name and capability', async () => {
    const one = await start('one')
    const two = await start('two', { capabilities: 'printer,a3' })
    await bothUp(one, 'two')
    await bothUp(two, 'one')
    const [all, food] = [two.stream('watch'), two.stream('watch', { topic: 'food' })]
    const [first, second] = [all.next(), food.next()]
    // Answered after the requests before it: both watch now.
    const { id: self } = (await two.call('id')) as { id: string }
    expect(await one.call('broadcast', { text: 'lunch is ready' })).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      topic: 'news',
      online: 1,
    })
    await one.call('broadcast', { text: 'ü'.repeat(2_000), topic: 'food', ttlMs: 60_000 })
    expect((await first).value).toMatchObject({
      topic: 'news',
      text: 'lunch is ready',
      from: { label: 'one' },
      hops: 1,
    })
    expect((await second).value).toMatchObject({ topic: 'food', text: 'ü'.repeat(2_000), bytes: 4_000, base64: null })
    await all.return?.()
    await food.return?.()
    for (const text of ['tw', 'PRINT a3']) {
      const found = one.stream('search', { text, limit: 1 })
      expect((await found.next()).value).toMatchObject({ label: 'two', id: self, capabilities: ['printer', 'a3'] })
      expect(await found.next()).toEqual({ done: true, value: undefined })
    }
    await expect(one.call('broadcast', { text: 'x', topic: 'ü'.repeat(33) })).rejects.toMatchObject({
      code: 'BAD_ARGUMENTS',
      details: { reason: 'BAD_RUMOR' },
    })
    await expect(one.stream('search', { text: ' ' }).next()).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' })
    const many = Array.from({ length: 40 }, () => one.call('broadcast', { text: 'x' }))
    const refused = (await Promise.allSettled(many)).find(({ status }) => status === 'rejected')
    expect(refused).toMatchObject({ reason: { code: 'BUSY', details: { reason: 'RATE_LIMITED' } } })
    expect(await one.call('status')).toMatchObject({ gossip: { peers: 1, searches: 0 } })
  })

  it('meets those who know its network secret alone, and never shows it', async () => {
    const networkSecret = 'correct horse battery'
    const one = await start('one', { networkSecret })
    const stranger = await start('stranger')
    await start('two', { networkSecret: new TextEncoder().encode(networkSecret) })
    await bothUp(one, 'two')
    expect(await stranger.call('peers')).toMatchObject({ peers: [] })
    const shown = [await one.call('status'), await one.call('peers'), daemons[0]?.banner]
    expect(JSON.stringify(shown)).not.toContain(networkSecret)
  })

  it('keeps its id and the names it pinned over a restart', async () => {
    const before = await start('one')
    await start('two')
    await bothUp(before, 'two')
    const { id } = (await before.call('id')) as { id: string }
    await daemons.shift()?.close()
    expect(JSON.parse(readFileSync(join(folder, 'one', 'state.json'), 'utf8'))).toMatchObject({
      names: { two: expect.any(String) },
    })
    const after = await start('one')
    expect(await after.call('id')).toMatchObject({ id })
  })

  it('writes a name soon after it is pinned, so that a kill does not free it', async () => {
    const one = await start('one')
    await start('two')
    await bothUp(one, 'two')
    const names = (): object =>
      (JSON.parse(readFileSync(join(folder, 'one', 'state.json'), 'utf8')) as { names: object }).names
    await expect.poll(names).toMatchObject({ two: expect.any(String) })
  })

  it('gives each run a greater number, although it is killed and its clock set back', async () => {
    await start('one')
    const file = join(folder, 'one', 'state.json')
    const state = JSON.parse(readFileSync(file, 'utf8')) as { gossipBoot: number }
    await daemons.shift()?.close()
    const later = state.gossipBoot + 1_000_000
    writeFileSync(file, JSON.stringify({ ...state, gossipBoot: later }))
    await start('one')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ gossipBoot: later + 1 })
  })

  it('lets down abort the stop controller', async () => {
    const stop = new AbortController()
    const one = await start('one', {}, stop)
    const aborted = new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
    await one.call('down')
    await aborted
  })

  it('refuses a second daemon on the same state folder', async () => {
    await start('one')
    await expect(start('one')).rejects.toMatchObject({ code: 'ALREADY_RUNNING' })
  })

  it('refuses a corrupt key file, a port in use, and a journal that cannot be written', async () => {
    const state = join(folder, 'one')
    const one = await start('one')
    const { port } = (await one.call('status')) as { port: number }
    await expect(start('two', { port })).rejects.toMatchObject({ code: 'START_FAILED', phase: 'listen' })
    await expect(start('three', { journal: folder })).rejects.toMatchObject({ code: 'EISDIR' })
    await daemons.shift()?.close()
    writeFileSync(join(state, 'identity.pem'), 'not a key')
    await expect(start('one')).rejects.toMatchObject({
      code: 'START_FAILED',
      phase: 'identity',
      cause: { code: 'KEY_CORRUPT' },
    })
  })

  it('frees the folder although its state cannot be written', async () => {
    const one = await start('one')
    await start('two')
    await bothUp(one, 'two')
    mkdirSync(join(folder, 'one', 'state.json.new'))
    await expect(daemons.shift()?.close()).rejects.toMatchObject({ code: 'EISDIR' })
    rmSync(join(folder, 'one', 'state.json.new'), { recursive: true })
    await start('one')
  })

  it('refuses a state folder that others may enter', async () => {
    await start('one')
    await daemons.shift()?.close()
    chmodSync(join(folder, 'one'), 0o755)
    await expect(start('one')).rejects.toMatchObject({ code: 'FOLDER_UNSAFE' })
    expect(statSync(join(folder, 'one')).mode & 0o777).toBe(0o755)
  })
})
