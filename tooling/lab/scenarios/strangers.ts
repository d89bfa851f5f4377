/**
 * Machines with keys of their own that do what they like, on streams and by datagrams. Nobody speaks for, redirects, silences or evicts
 * another; what no correct peer sends ends the connection it came by, and nothing else.
 */
import { type Network, openNetwork } from '@pc/identity'
import type { SeededRandom } from '@pc/testkit'
import type { Value } from '@pc/wire'
import { addressOf } from '../addresses.js'
import { notOnline } from '../everybody.js'
import type { Lab } from '../lab.js'
import type { Machine } from '../machine.js'
import type { Scenario } from '../scenario.js'
import { announcement, frameOf, GROUP, helloOf, multicaster, NETWORK_NAME, stranger, Wire } from '../stranger.js'
import { WEATHER_OPTIONS } from '../weather.js'

interface Stage {
  readonly lab: Lab
  readonly network: Network
  readonly random: SeededRandom
}

/** Addresses of strangers, far from those of the machines. */
const FIRST_STRANGER = 300
/** How long the other side may take to read, judge and close. */
const JUDGED_MS = 2_000
/** HELLO is waited for 5 s. */
const HELLO_MS = 5_000
/** A newcomer is answered within 250 ms; whoever is not answered waits for more than 1 s. */
const FOUND_AT_ONCE_MS = 900

export const strangers: Scenario = {
  kind: 'scenario',
  name: 'strangers',
  summary: 'forged records, bad frames, silent streams, replayed, invented and too many datagrams: nobody else is hurt',
  options: WEATHER_OPTIONS,
  run: async (lab: Lab) => {
    const network = openNetwork(NETWORK_NAME)
    const anna = await lab.peer({ name: 'anna' })
    const ben = await lab.peer({ name: 'ben' })
    await lab.until('they meet', () => notOnline(lab).length === 0, 60_000)
    const stage: Stage = { lab, network, random: lab.random.stream('strangers') }
    await forgedRecord(stage, anna)
    await badFrames(stage, anna)
    await cutEverywhere(stage, anna)
    await lies(stage, anna, ben)
    await silentStreams(lab, anna)
    await inventedAnswer(stage, anna)
    await replayed(lab)
    await stolenStamps(stage)
    await flood(stage)
    const asked = await anna.ready?.request(ben)
    lab.check(
      'in the end the honest ones still serve each other',
      asked?.outcome === 'done',
      JSON.stringify(asked?.outcome),
    )
  },
}

async function forgedRecord({ lab, network, random }: Stage, anna: Machine): Promise<void> {
  const { identity, host } = stranger(lab, 'forger', nextAddress(lab))
  const hello = helloOf(identity, network, 'forger', random.bytes(8))
  const record = Uint8Array.from(hello.record as Uint8Array)
  record[record.length - 1] = (record.at(-1) ?? 0) ^ 1
  const wire = await Wire.dial(host, anna)
  wire.frame('pc/hello', { ...hello, record }, 0)
  await lab.sleep(JUDGED_MS)
  const shown = anna.life?.stateOf(identity.id)
  lab.check('a record with a wrong signature connects nobody', shown === undefined, `its sender is ${shown}`)
  wire.destroy()
}

/** Each on a connection of its own, behind a good HELLO. */
async function badFrames(stage: Stage, anna: Machine): Promise<void> {
  const { lab } = stage
  for (const [name, bytes] of Object.entries(BAD_FRAMES)) {
    const wire = await acquainted(stage, anna, `sender of ${name}`)
    wire.write(bytes)
    await lab.sleep(JUDGED_MS)
    lab.check('what no correct peer sends ends its connection', wire.closed, `${name} did not`)
    wire.destroy()
  }
}

/** A peer whose stream is cut at every byte is a peer like any other, and a message that comes again is not stored again. */
async function cutEverywhere({ lab, network, random }: Stage, anna: Machine): Promise<void> {
  const { identity, host } = stranger(lab, 'dribbler', nextAddress(lab))
  const wire = await Wire.dial(host, anna)
  const dribble = async (bytes: Uint8Array): Promise<void> => {
    for (const byte of bytes) {
      wire.write(Uint8Array.of(byte))
      await lab.sleep(2)
    }
  }
  await dribble(frameOf('pc/hello', helloOf(identity, network, 'dribbler', random.bytes(8)), 0))
  await lab.until('a stream may be cut at every byte', () => anna.life?.stateOf(identity.id) === 'online', JUDGED_MS)
  // Long enough that every byte of the length counts.
  const claims = { from: 'dribbler#1', to: 'anna', number: 1_000_000, filler: 'x'.repeat(600) }
  const body = { type: 'text', epoch: random.bytes(8), seq: 1, at: 1, ttl: 1_000, body: JSON.stringify(claims) }
  await dribble(frameOf('pc/message', body, 7))
  wire.frame('pc/message', body, 8)
  wire.frame('pc/message', body, 9)
  await lab.sleep(JUDGED_MS)
  const stored = lab.recorder.history.stored.filter(({ claims: { number } }) => number === claims.number)
  lab.check('its message is stored once', stored.length === 1, `${stored.length} times`)
  wire.destroy()
}

/** Answers to what others were asked. */
async function lies(stage: Stage, anna: Machine, ben: Machine): Promise<void> {
  const { lab } = stage
  const wire = await acquainted(stage, anna, 'liar')
  const life = ben.ready
  if (life !== undefined) life.workMs = 20
  for (let round = 0; round < 5; round++) {
    const asks = Array.from({ length: 10 }, () => anna.ready?.request(ben, { timeoutMs: 5_000 }))
    for (let id = 1; id <= 300; id++) wire.frame('pc/reply', { body: 'a lie' }, id)
    for (const asked of await Promise.all(asks)) {
      lab.check(
        'nobody answers for another',
        asked?.outcome === 'done' && asked.wrongAnswer === undefined,
        JSON.stringify(asked),
      )
    }
  }
  wire.destroy()
}

async function silentStreams(lab: Lab, anna: Machine): Promise<void> {
  const wires: Wire[] = []
  for (let machine = 0; machine < 3; machine++) {
    const { host } = stranger(lab, `silent ${machine}`, nextAddress(lab))
    for (let count = 0; count < 10; count++) wires.push(await Wire.dial(host, anna))
  }
  await lab.sleep(HELLO_MS + JUDGED_MS)
  const open = wires.filter(({ closed }) => !closed).length
  lab.check('streams without HELLO are ended', open === 0, `${open} of ${wires.length} are open`)
  for (const wire of wires) wire.destroy()
}

/** An answer to a question that nobody asked leads nobody anywhere. */
async function inventedAnswer({ lab, network, random }: Stage, anna: Machine): Promise<void> {
  const { host, socket, ears } = await multicaster(lab, 'inventor', nextAddress(lab))
  const trap = await trapOf(host)
  for (let count = 0; count < 5; count++) {
    const body = {
      wantsAnswers: false,
      blindedId: random.bytes(8),
      epoch: 1,
      port: trap.port,
      estimate: 0,
      nonce: random.bytes(8),
    }
    const bytes = announcement(network, body, random.bytes(8), lab.clock.unixNow())
    await socket.send(bytes, GROUP)
    await socket.send(bytes, { host: anna.host.address, port: 3485 })
    await lab.sleep(500)
  }
  lab.check('an answer that nobody asked for is not followed', trap.dialled() === 0, `${trap.dialled()} dials`)
  await Promise.all([trap.close(), socket.close(), ears.close()])
}

/** What another peer announced, sent again from elsewhere, leads nobody there. */
async function replayed(lab: Lab): Promise<void> {
  let answered = 0
  const heard: Uint8Array[] = []
  const here = nextAddress(lab)
  const { host, socket, ears } = await multicaster(lab, 'replayer', here, (bytes, from) => {
    if (from.host !== here) heard.push(Uint8Array.from(bytes))
  })
  const trap = await trapOf(host)
  const unicast = await host.bind({ host: here, port: trap.port }, () => {
    answered += 1
  })
  const newcomer = lab.machine()
  await newcomer.start()
  for (let turn = 0; turn < 400; turn++) {
    // While it is the newest of its boot: an older one would be refused for its age.
    for (const bytes of heard.splice(0)) void replayAfter(lab, 3, () => socket.send(bytes, GROUP))
    await lab.sleep(10)
  }
  lab.check(
    'a replayed announcement draws no dial and no answer',
    trap.dialled() + answered === 0,
    `${trap.dialled()} dials, ${answered} answers`,
  )
  await Promise.all([trap.close(), unicast.close(), socket.close(), ears.close()])
}

async function replayAfter(lab: Lab, ms: number, send: () => Promise<void>): Promise<void> {
  await lab.sleep(ms)
  await send()
}

/** Datagrams with the boot ids of others, stamps from the far future, and no right MAC: their owners are heard all the same. */
async function stolenStamps({ lab, network, random }: Stage): Promise<void> {
  const boots = new Map<string, Uint8Array>()
  const here = nextAddress(lab)
  const { socket, ears } = await multicaster(lab, 'thief of stamps', here, (bytes) => {
    if (bytes.length > 20)
      boots.set(Buffer.from(bytes.subarray(12, 20)).toString('hex'), Uint8Array.from(bytes.subarray(12, 20)))
  })
  // Everybody is heard once a minute.
  await lab.sleep(70_000)
  const newcomer = lab.machine()
  const started = newcomer.start()
  for (let turn = 0; turn < 20; turn++) {
    for (const boot of boots.values()) {
      const body = {
        wantsAnswers: true,
        blindedId: random.bytes(8),
        epoch: 1,
        port: 9,
        estimate: 0,
        nonce: random.bytes(8),
      }
      const bytes = announcement(network, body, boot, 2 ** 47)
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      await socket.send(bytes, GROUP)
    }
    await lab.sleep(2)
  }
  await started
  lab.check('the thief heard some boots', boots.size > 0)
  await foundAtOnce(lab, newcomer, 'whose stamps were stolen is heard')
  await Promise.all([socket.close(), ears.close()])
}

/** Far more datagrams than anybody may send. */
async function flood({ lab, network, random }: Stage): Promise<void> {
  const { socket, ears } = await multicaster(lab, 'flooder', nextAddress(lab))
  let on = true
  const flooding = (async () => {
    while (on) {
      const body = {
        wantsAnswers: true,
        blindedId: random.bytes(8),
        epoch: 1,
        port: 9,
        estimate: 0,
        nonce: random.bytes(8),
      }
      const bytes = announcement(network, body, random.bytes(8), lab.clock.unixNow())
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
      await socket.send(bytes, GROUP)
      await lab.sleep(1)
    }
  })()
  await lab.sleep(2_000)
  const newcomer = lab.machine()
  await newcomer.start()
  await foundAtOnce(lab, newcomer, 'a newcomer is found in spite of a flood')
  on = false
  await flooding
  await Promise.all([socket.close(), ears.close()])
}

async function foundAtOnce(lab: Lab, newcomer: Machine, what: string): Promise<void> {
  const others = lab.machines.filter((machine) => machine !== newcomer)
  const unseen = (): Machine[] => others.filter(({ id }) => newcomer.ready?.stateOf(id) !== 'online')
  await lab.until(
    what,
    () => unseen().length === 0,
    FOUND_AT_ONCE_MS,
    () => `${unseen().length} of ${others.length} are not`,
  )
}

/** A listener that counts who comes. */
async function trapOf(
  host: Awaited<ReturnType<typeof multicaster>>['host'],
): Promise<{ port: number; dialled: () => number; close: () => Promise<void> }> {
  let dialled = 0
  const listener = await host.listen({ host: host.address, port: 3485 }, ({ duplex }) => {
    dialled += 1
    duplex.on('error', () => {})
    duplex.destroy()
  })
  return { port: listener.address.port, dialled: () => dialled, close: () => listener.close() }
}

/** A stranger that says a good HELLO. */
async function acquainted({ lab, network, random }: Stage, to: Machine, name: string): Promise<Wire> {
  const { identity, host } = stranger(lab, name, nextAddress(lab))
  const wire = await Wire.dial(host, to)
  wire.frame('pc/hello', helloOf(identity, network, name, random.bytes(8)), 0)
  await lab.until(
    'a stranger that knows the rules is let in',
    () => to.life?.stateOf(identity.id) === 'online',
    JUDGED_MS,
  )
  return wire
}

function nested(depth: number): Value {
  return depth === 0 ? 0 : [nested(depth - 1)]
}

/** A map of many keys in which the last is the same as the first. */
function twice(): Uint8Array {
  const keys = Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [`key-${String.fromCharCode(97 + index)}`, index]),
  )
  const bytes = frameOf('lab/twice', keys, 1)
  bytes[Buffer.from(bytes).indexOf('key-l') + 4] = 'a'.charCodeAt(0)
  return bytes
}

const BAD_FRAMES: Readonly<Record<string, Uint8Array>> = {
  'a body nested too deep': frameOf('lab/deep', nested(17), 1),
  'a key that comes twice': twice(),
  'the key __proto__': protoKey(),
  'a length of 2 GiB': Uint8Array.of(0x7f, 0xff, 0xff, 0xff),
  'an empty frame': new Uint8Array(4),
  'a second HELLO': frameOf('pc/hello', null, 0),
}

function protoKey(): Uint8Array {
  const bytes = frameOf('lab/proto', { xxprotoxx: 1 }, 1)
  bytes.set(Buffer.from('__proto__'), Buffer.from(bytes).indexOf('xxprotoxx'))
  return bytes
}

/** One that no machine has. */
function nextAddress({ network }: Lab): string {
  return addressOf(FIRST_STRANGER + network.hosts.length, 0)
}
