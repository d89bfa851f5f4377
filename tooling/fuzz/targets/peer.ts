import { signPeerRecord } from '@pc/identity'
import { matchRecord, type PeerMatch, readQuery, readSearchAnswer } from '@pc/peer'
import { msgpack, opaque } from '../mutate/shape.js'
import { nothing, type Target } from '../target.js'
import { identity, record } from './seeds.js'

const [ANNA, BERT] = [identity(1), identity(2)]
const QUESTION = 'ann print'
const RECORD = record(ANNA)
const OTHERS = [
  record(BERT),
  signPeerRecord(ANNA, { sequence: 2, name: 'Ångström ﷺ', addresses: [], capabilities: ['printer'] }),
]

const query: Target = {
  name: 'peer/readQuery',
  about: 'the question of another peer, and whether this one fits it',
  covers: ['@pc/peer readQuery'],
  shape: opaque,
  seeds: () => [QUESTION, 'PRINT', 'é\u0301 \u00a0x', 'w '.repeat(16)].map((text) => new Uint8Array(Buffer.from(text))),
  allows: nothing,
  open: () => ({
    handle: (input) => {
      const text = readQuery(input)
      return text === undefined ? undefined : [RECORD, ...OTHERS].map((one) => matchRecord(text, one))
    },
    verify: (input, result) => {
      if (result === undefined) return undefined
      if (input.length > 256) return 'a question that is too long is taken'
      const named = (result as ReturnType<typeof matchRecord>[]).map((match) => match?.capabilities ?? [])
      return named.flat().some((one) => ![...RECORD.capabilities, 'printer'].includes(one))
        ? 'it names what nobody has'
        : undefined
    },
    alive: () => (readQuery(Buffer.from(QUESTION)) === QUESTION ? undefined : 'a question is not read'),
  }),
}

const answer: Target = {
  name: 'peer/readSearchAnswer',
  about: 'what a peer answers to a search: its record',
  covers: ['@pc/peer readSearchAnswer'],
  shape: msgpack({ unfolded: true }),
  seeds: () => [RECORD.bytes, ...OTHERS.map(({ bytes }) => bytes)],
  allows: nothing,
  open: () => ({
    handle: (input) => readSearchAnswer(QUESTION, ANNA.id, input),
    verify: (input, result) => {
      const match = result as PeerMatch | undefined
      if (match === undefined) return undefined
      return Buffer.compare(input, RECORD.bytes) === 0 ? undefined : 'what nobody signed is taken'
    },
    alive: () => (readSearchAnswer(QUESTION, ANNA.id, RECORD.bytes)?.matched.name ? undefined : 'a true answer is not'),
  }),
}

export const peerTargets: readonly Target[] = [query, answer]
