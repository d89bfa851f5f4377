import { ControlError } from '@pc/control'
import { describe, expect, it } from 'vitest'
import { documents, fakeDaemon, NOW, pc, temporaryFolder } from './_util/harness.js'

const STATUS = {
  name: 'anna',
  id: '7k2m9qr'.repeat(7),
  shortId: '7k2m9qrx',
  network: 'home',
  version: '1.2.3',
  pid: 4_242,
  startedAt: NOW - 250_000,
  uptimeMs: 250_000,
  port: 3_485,
  addresses: ['192.168.1.10:3485'],
  interfaces: [
    { name: 'eth0', address: '192.168.1.10', sent: 4, heard: 3 },
    { name: 'wlan0', address: '192.168.2.10', sent: 1, heard: 0, error: 'no route' },
  ],
  phases: [
    { name: 'identity', state: 'done', ms: 2 },
    { name: 'discovery', state: 'failed', ms: null, error: 'no socket' },
  ],
  peers: { online: 2, offline: 1 },
  inbox: { size: 1 },
  counters: {},
}

const PEER = {
  label: 'berta',
  name: 'berta',
  id: 'x'.repeat(53),
  shortId: 'bbbbbbbb',
  state: 'online',
  addresses: ['192.168.1.11:3485', '[::1]:3485'],
  roundTripMs: 0.42,
  lastSeenAt: NOW - 12_000,
  since: NOW - 60_000,
  nameVerified: true,
  reason: null,
}

const message = (sequence: number, text: string) => ({
  sequence,
  id: `m${sequence}`,
  from: { label: 'berta', id: PEER.id },
  type: 'text',
  text,
  payload: null,
  sentAt: NOW,
  receivedAt: NOW,
  verified: true,
})

describe('status', () => {
  it('shows people what matters, and programs everything', async () => {
    const { folder } = await fakeDaemon({ status: async () => STATUS })
    const shown = await pc(folder, ['status'])
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' })
    expect(shown.stdout).toContain('daemon      version 1.2.3, pid 4242, up 4 min 10 s\n')
    expect(shown.stdout).toContain('interfaces  eth0 192.168.1.10  sent 4, heard 3\n            wlan0 192.168.2.10')
    expect(shown.stdout).toContain('start       identity 2 ms, discovery failed (no socket)\n')
    expect(shown.stdout).toContain('peers       2 online, 1 offline\ninbox       1 message\n')
    const json = await pc(folder, ['status', '--json'])
    expect(documents(json.stdout)).toEqual([{ schema: 'pc.status/1', ...STATUS }])
  })

  it('uses colours on a terminal only, and not when told so', async () => {
    const { folder } = await fakeDaemon({ status: async () => STATUS })
    const coloured = '\u001b['
    expect((await pc(folder, ['status'], { isTTY: true })).stdout).toContain(coloured)
    expect((await pc(folder, ['status'])).stdout).not.toContain(coloured)
    expect((await pc(folder, ['status', '--no-color'], { isTTY: true })).stdout).not.toContain(coloured)
    expect((await pc(folder, ['status'], { isTTY: true, env: { NO_COLOR: '1' } })).stdout).not.toContain(coloured)
    expect((await pc(folder, ['status'], { isTTY: true, env: { NO_COLOR: '' } })).stdout).toContain(coloured)
  })

  it('survives a daemon of another version that says less', async () => {
    const { folder } = await fakeDaemon({ status: async () => ({ name: 'old' }) })
    const shown = await pc(folder, ['status'])
    expect(shown.exitCode).toBe(0)
    expect(shown.stdout).toContain('name        old')
  })
})

describe('peers', () => {
  it('is a table', async () => {
    const offline = { ...PEER, label: 'cäsar~7k2', state: 'offline', reason: 'no answer', roundTripMs: null }
    const stranger = { ...PEER, label: 'evil\u001b[2J', nameVerified: false, addresses: [], lastSeenAt: null }
    const { folder } = await fakeDaemon({ peers: async () => ({ peers: [PEER, offline, stranger] }) })
    const { stdout, stderr } = await pc(folder, ['peers'])
    expect(stdout.split('\n')).toEqual([
      'NAME        ID        STATE                ROUND TRIP  SEEN      ADDRESS',
      'berta       bbbbbbbb  online               0.42 ms     12 s ago  192.168.1.11:3485 +1',
      'cäsar~7k2   bbbbbbbb  offline (no answer)  -           12 s ago  192.168.1.11:3485 +1',
      'evil\ufffd[2J ?  bbbbbbbb  online               0.42 ms     -         -',
      '',
    ])
    expect(stderr).toContain('go by the id')
    const [document] = documents((await pc(folder, ['--json', 'peers'])).stdout)
    expect(document).toEqual({ schema: 'pc.peers/1', peers: [PEER, offline, stranger] })
  })

  it('says what to do when there is nobody', async () => {
    const { folder } = await fakeDaemon({ peers: async () => ({ peers: [] }) })
    expect(await pc(folder, ['peers'])).toMatchObject({
      exitCode: 0,
      stdout: '',
      stderr: expect.stringContaining('pc up'),
    })
    expect(documents((await pc(folder, ['peers', '--json'])).stdout)).toEqual([{ schema: 'pc.peers/1', peers: [] }])
  })
})

describe('peers --watch', () => {
  it('shows everybody, then every change, as lines or as documents', async () => {
    const { folder } = await fakeDaemon({
      'peers.watch': async function* () {
        yield { change: 'known', peer: { label: 'berta', id: 'b', lastSeenAt: null, reason: null } }
        yield { change: 'offline', peer: { label: 'berta', id: 'b', lastSeenAt: null, reason: 'left' } }
        yield { change: 'forgotten', peer: { id: 'b' } }
      },
    })
    const shown = await pc(folder, ['peers', '--watch'])
    expect(shown.stdout).toBe('known  berta\noffline  berta (left)\nforgotten  b\n')
    const json = documents((await pc(folder, ['peers', '--watch', '--json'])).stdout)
    expect(json).toHaveLength(3)
    expect(json[2]).toEqual({ schema: 'pc.peers.change/1', change: 'forgotten', peer: { id: 'b' } })
  })
})

describe('ping', () => {
  it('passes on how often, and shows each echo as it comes', async () => {
    const asked: unknown[] = []
    const { folder } = await fakeDaemon({
      ping: async function* (args) {
        asked.push(args)
        for (let sequence = 1; sequence <= Number(args.count); sequence++) {
          yield { path: 'udp', roundTripMs: sequence, address: '10.0.0.2:3485', sequence }
        }
      },
    })
    const shown = await pc(folder, ['ping', 'berta', '-c', '2', '-i', '10'])
    expect(shown.stdout).toBe('udp  10.0.0.2:3485  #1  1 ms\nudp  10.0.0.2:3485  #2  2 ms\n')
    expect(shown.stderr).toBe('2 answers: fastest 1 ms, mean 1.5 ms, slowest 2 ms\n')
    expect(asked).toEqual([{ peer: 'berta', count: 2, intervalMs: 10 }])
    const json = await pc(folder, ['ping', 'berta', '--json'])
    expect(documents(json.stdout)).toHaveLength(4)
    expect(documents(json.stdout)[0]).toEqual({
      schema: 'pc.ping/1',
      path: 'udp',
      roundTripMs: 1,
      address: '10.0.0.2:3485',
      sequence: 1,
    })
    expect(json.stderr).toBe('')
  })
})

describe('send', () => {
  const send = async (args: Record<string, unknown>) => ({
    id: 'm1',
    peer: { label: args.peer, id: PEER.id },
    acknowledgedMs: 3.2,
    text: args.text,
    timeoutMs: args.timeoutMs,
  })

  it('joins words, or reads stdin without its last line end', async () => {
    const { folder } = await fakeDaemon({ send })
    const shown = await pc(folder, ['send', 'berta', 'hello', 'there'])
    expect(shown).toMatchObject({ exitCode: 0, stdout: 'berta has it after 3.2 ms\n' })
    const words = await pc(folder, ['send', '--json', 'berta', '--', '-x', '-'])
    expect(documents(words.stdout)[0]).toMatchObject({ schema: 'pc.sent/1', text: '-x -', timeoutMs: 10_000 })
    const piped = await pc(folder, ['send', 'berta', '-', '--json', '--timeout', '50'], { stdin: 'a\nb ✓\n' })
    expect(documents(piped.stdout)[0]).toMatchObject({ text: 'a\nb ✓', timeoutMs: 50 })
  })

  it('refuses what is no text', async () => {
    const { folder } = await fakeDaemon({ send })
    expect(await pc(folder, ['send', 'berta', '-'])).toMatchObject({ exitCode: 2 })
    const large = await pc(folder, ['send', 'berta', '-'], { stdin: 'x'.repeat(1_000_001) })
    expect(large).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('1000000 bytes') })
    const bytes = (async function* () {
      yield new Uint8Array([0xff])
    })()
    expect(await pc(folder, ['send', 'berta', '-'], { stdin: bytes })).toMatchObject({ exitCode: 2 })
  })
})

describe('inbox', () => {
  it('shows the latest, safely', async () => {
    const asked: unknown[] = []
    const { folder } = await fakeDaemon({
      inbox: async (args) => {
        asked.push(args)
        return {
          messages: [
            message(1, 'hi\nthere\u001b]0;x'),
            { ...message(2, ''), type: 'order', text: null, payload: { n: 1 }, verified: false },
          ],
        }
      },
    })
    const { stdout } = await pc(folder, ['inbox', '-n', '5'])
    expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}berta {2}hi\n {4}there\ufffd]0;x\n/)
    expect(stdout).toMatch(/ {2}berta \? {2}order \{"n":1\}\n$/)
    expect(asked).toEqual([{ limit: 5 }])
    const [document] = documents((await pc(folder, ['inbox', '--json'])).stdout)
    expect(document).toMatchObject({ schema: 'pc.inbox/1', messages: [{ sequence: 1 }, { payload: { n: 1 } }] })
  })

  it('goes on after the last with --follow, as NDJSON, until it is interrupted or the stream ends', async () => {
    const { folder } = await fakeDaemon({
      inbox: async () => ({ messages: [message(1, 'one'), message(2, 'two')] }),
      'inbox.follow': async function* (args) {
        yield message(Number(args.after) + 1, 'three')
      },
    })
    const followed = await pc(folder, ['inbox', '--follow', '--json'])
    expect(followed.exitCode).toBe(0)
    expect(documents(followed.stdout).map(({ schema, text }) => [schema, text])).toEqual([
      ['pc.message/1', 'one'],
      ['pc.message/1', 'two'],
      ['pc.message/1', 'three'],
    ])
    const fresh = await pc(folder, ['inbox', '-f', '-n', '0', '--json'])
    expect(documents(fresh.stdout).map(({ text }) => text)).toEqual(['three'])
  })
})

describe('request', () => {
  it('sends JSON, and prints the reply as JSON', async () => {
    const { folder } = await fakeDaemon({
      request: async (args) => ({ reply: { name: args.name, got: args.payload ?? null } }),
    })
    const shown = await pc(folder, ['request', 'berta', 'echo', '{"a":[1,2]}'])
    expect(JSON.parse(shown.stdout)).toEqual({ name: 'echo', got: { a: [1, 2] } })
    const bare = await pc(folder, ['request', 'berta', 'echo', '--json'])
    expect(documents(bare.stdout)).toEqual([{ schema: 'pc.reply/1', reply: { name: 'echo', got: null } }])
    const piped = await pc(folder, ['request', 'berta', 'echo', '-', '--json'], { stdin: '"x"' })
    expect(documents(piped.stdout)).toMatchObject([{ reply: { got: 'x' } }])
    const wrong = await pc(folder, ['request', 'berta', 'echo', 'hello'])
    expect(wrong).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`'"hello"'`) })
  })
})

describe('id and version', () => {
  it('tell who this is', async () => {
    const { folder } = await fakeDaemon({
      id: async () => ({ name: 'anna', id: 'long', shortId: 'short' }),
      version: async () => ({ version: '1.2.3', protocol: 1 }),
    })
    expect((await pc(folder, ['id'])).stdout).toBe('anna  short\nlong\n')
    expect((await pc(folder, ['version'])).stdout).toBe('pc      0.0.0\ndaemon  1.2.3  (protocol 1)\n')
  })

  it('version needs no daemon', async () => {
    const folder = await temporaryFolder()
    expect(await pc(folder, ['version'])).toMatchObject({ exitCode: 0, stdout: 'pc      0.0.0\n' })
    expect(documents((await pc(folder, ['version', '--json'])).stdout)).toEqual([
      { schema: 'pc.version/1', pc: '0.0.0', daemon: null },
    ])
    expect(await pc(folder, ['--version'])).toMatchObject({ exitCode: 0, stdout: '0.0.0\n' })
  })
})

describe('a peer that is not clear', () => {
  it('is shown with everybody it could be', async () => {
    const candidates = [PEER, { ...PEER, label: 'berta~ccc', shortId: 'cccccccc', state: 'offline' }]
    const { folder } = await fakeDaemon({
      send: async () => {
        throw new ControlError('PEER_AMBIGUOUS', 'berta fits 2 peers', { details: { candidates } })
      },
    })
    const shown = await pc(folder, ['send', 'berta', 'x'])
    expect(shown.exitCode).toBe(4)
    expect(shown.stderr).toBe(
      'pc: berta fits 2 peers\nNAME       ID        STATE\nberta      bbbbbbbb  online\nberta~ccc  cccccccc  offline\n    name one of them by its id\n',
    )
  })
})
