/** `peers.all`, `find`: everybody in the network, by its lists. `dht.trace`, `dht.table`: the directory at work, for people. */
import { type AnyCommand, ArgumentReader, type Command, noArguments } from '@pc/control'
import type { LookupTrace } from '@pc/kademlia'
import { type Peer, PeerError, type PeerView, selectPeer } from '@pc/peer'
import { formatAddress } from '@pc/transport'
import type { Value } from '@pc/wire'
import { idOfBytes, knownPeers, recordView } from '../views.js'
import type { CommandDependencies } from './dependencies.js'
import { explained } from './errors.js'

export function directoryCommands({ peer }: CommandDependencies): readonly AnyCommand[] {
  return [allCommand(peer), findCommand(peer), traceCommand(peer), tableCommand(peer)]
}

function allCommand(peer: Promise<Peer>): Command<undefined, Value> {
  return {
    name: 'peers.all',
    summary: 'Everybody in the network, as its lists have it: one item for each page.',
    parse: noArguments,
    async *run(_, { signal }) {
      const self = await peer
      const pages = self.dht.directory({ signal })
      for (;;) {
        const page = await explained(() => pages.next())
        if (page.done === true) return
        const known = knownPeers(self)
        yield { peers: page.value.map((record) => recordView(record, self, known)) }
      }
    },
  }
}

function findCommand(peer: Promise<Peer>): Command<{ text: string }, Value> {
  return {
    name: 'find',
    summary: 'Peers of a name, of a start of it, or of an id, wherever in the network they are.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const parsed = { text: reader.text('text', { maxLength: 128 }) }
      reader.done()
      return parsed
    },
    run: async ({ text }, { signal }) => {
      const self = await peer
      return explained(async () => {
        const byId = await findById(self, text, signal)
        return { peers: (byId ?? (await findInLists(self, text, signal))).map((each) => ({ ...each })) }
      })
    },
  }
}

/** Undefined for what is no whole id. */
async function findById(self: Peer, text: string, signal: AbortSignal): Promise<RecordView[] | undefined> {
  try {
    return [recordView(await self.dht.findPeer(text, { signal }), self, knownPeers(self))]
  } catch (error) {
    const code = (error as { code?: unknown }).code
    if (code === 'BAD_PEER_ID') return undefined
    if (code === 'NOT_FOUND') throw new PeerError('PEER_NOT_FOUND', `No peer with the id ${text} is in the network.`)
    throw error
  }
}

/** All that fit, since names are claims and several peers may have one. */
async function findInLists(self: Peer, text: string, signal: AbortSignal): Promise<RecordView[]> {
  const found: RecordView[] = []
  for await (const page of self.dht.directory({ signal })) {
    const known = knownPeers(self)
    for (const record of page) {
      const view = recordView(record, self, known)
      if (fits({ ...view, state: 'online' }, text)) found.push(view)
    }
  }
  if (found.length > 0) return found
  throw new PeerError('PEER_NOT_FOUND', `Nobody in the network is called ${JSON.stringify(text)}.`)
}

function fits(view: Parameters<typeof selectPeer>[0][number], text: string): boolean {
  try {
    selectPeer([view], text)
    return true
  } catch {
    return false
  }
}

type Known = ReadonlyMap<string, PeerView>
type RecordView = ReturnType<typeof recordView>

/** Steps that wait for a client that is slow to read; a lookup has a hundred requests at most. */
const MAX_STEPS = 1_024

function traceCommand(peer: Promise<Peer>): Command<{ target: string }, Value> {
  return {
    name: 'dht.trace',
    summary: 'Looks up a peer or a key, and tells each request: whom it went to, and what came of it.',
    parse: (args) => {
      const reader = new ArgumentReader(args)
      const parsed = { target: reader.text('target', { maxLength: 128 }) }
      reader.done()
      return parsed
    },
    async *run({ target }, { signal }) {
      const self = await peer
      const known = knownPeers(self)
      const startedAt = performance.now()
      const steps: LookupTrace[] = []
      let wake = (): void => {}
      const onStep = (step: LookupTrace): void => {
        if (steps.length < MAX_STEPS) steps.push(step)
        wake()
      }
      let over = false
      const report = explained(() => self.dht.lookup(target, { signal, onStep })).finally(() => {
        over = true
        wake()
      })
      report.catch(() => {}) // it is awaited below
      for (;;) {
        for (let step = steps.shift(); step !== undefined; step = steps.shift()) yield stepView(step, known)
        if (over) break
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      const { contacts, ...counts } = await report
      const nearest = contacts.map(({ id, address }) => ({ ...whoIs(id, known), address: formatAddress(address) }))
      yield { type: 'result', ...counts, tookMs: performance.now() - startedAt, nearest }
    },
  }
}

function tableCommand(peer: Promise<Peer>): Command<undefined, Value> {
  return {
    name: 'dht.table',
    summary: 'The routing table: contacts by how near they are.',
    parse: noArguments,
    run: async () => {
      const self = await peer
      const known = knownPeers(self)
      const buckets = self.dht.buckets().map(({ prefix, waiting, contacts }) => ({
        prefix,
        waiting,
        contacts: contacts.map(({ contact, state, roundTripMs }) => ({
          ...whoIs(contact.id, known),
          address: formatAddress(contact.address),
          state,
          roundTripMs: roundTripMs ?? null,
        })),
      }))
      return { position: Buffer.from(self.dht.position).toString('hex'), buckets }
    },
  }
}

function stepView({ contact, sharedBits, askedAtMs, tookMs, named }: LookupTrace, known: Known): Value {
  const who = { ...whoIs(contact.id, known), address: formatAddress(contact.address) }
  return { type: 'step', ...who, sharedBits, askedAtMs, tookMs, named: named ?? null }
}

/** Id, and the label if that peer is known here. */
function whoIs(bytes: Uint8Array, known: Known): { id: string; shortId: string; label: string | null } {
  const id = idOfBytes(bytes)
  const text = id?.toString() ?? Buffer.from(bytes).toString('hex')
  return { id: text, shortId: id?.short ?? text.slice(0, 8), label: known.get(text)?.label ?? null }
}
