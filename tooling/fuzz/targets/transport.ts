import type { Duplex } from 'node:stream'
import { VirtualClock } from '@pc/testkit'
import {
  type Address,
  type CloseReason,
  Connection,
  formatAddress,
  parseAddress,
  parseInterfaceRules,
  TransportError,
} from '@pc/transport'
import { decodeMessage, decodeValue, encodeValue, FrameDecoder, type Message, type Value, WireError } from '@pc/wire'
import { type Admission, Admissions } from '../../../packages/transport/src/admission.js'
import { CONNECTION_VERSIONS, type Hello, helloBody, readHello } from '../../../packages/transport/src/hello.js'
import { helloCheck, helloProof } from '../../../packages/transport/src/hello-proof.js'
import { frames, msgpack, opaque, plainText } from '../mutate/shape.js'
import { errors, type Subject, type Target } from '../target.js'
import { errorsInto } from './error-log.js'
import { textOf, texts } from './identity.js'
import { frame, identity, join, NETWORK, record, secretNetwork, VALUES } from './seeds.js'
import { say, strangerStream, turn } from './streams.js'
import { BOOT, pieces } from './wire.js'

export const ANNA = identity(1)
export const BEN = identity(2)
const PEER_HEADERS = ['pc/hello', 'pc/ping', 'pc/pong', 'pc/goaway', 'pc/error', 'app/data']

export function hello(kind: Hello['kind'] = 'control', boot: Uint8Array = BOOT, proof?: Uint8Array): Value {
  return helloBody({
    version: [1, 1],
    boot,
    kind,
    record: record(BEN),
    features: ['x'],
    network: NETWORK.keyId,
    pair: 1,
    proof,
  })
}

const readHelloTarget: Target = {
  name: 'transport/readHello',
  about: 'the body of HELLO',
  covers: [],
  shape: msgpack(),
  seeds: () => [hello(), hello('bulk')].map((body) => encodeValue(body)),
  // What is no value at all does not get as far as HELLO.
  allows: (error) => error instanceof WireError || helloErrors(error),
  open() {
    const expected = {
      remoteId: BEN.id,
      network: NETWORK.keyId,
      isProved: undefined,
      version: CONNECTION_VERSIONS,
    }
    return {
      handle: (input) => readHello(decodeValue(input), expected),
      verify: (_input, result) =>
        (result as Hello).record.id.equals(BEN.id) ? undefined : 'a record of somebody else passes',
      alive: () => (readHello(hello(), expected).kind === 'control' ? undefined : 'another kind'),
    }
  },
}
const helloErrors = errors(TransportError, ['BAD_HELLO', 'OTHER_NETWORK', 'VERSION_MISMATCH'])

const CHANNEL_BINDING = new Uint8Array(32).fill(3)
const provedHello = (): Value =>
  hello('control', BOOT, helloProof(secretNetwork(), { dialled: true, channelBinding: CHANNEL_BINDING }, BOOT))

const readProvedHello: Target = {
  ...readHelloTarget,
  name: 'transport/readHello-proved',
  about: 'the body of HELLO on a network with a secret: a proof is good for one boot id',
  seeds: () => [encodeValue(provedHello())],
  open() {
    const end = { dialled: false, channelBinding: CHANNEL_BINDING }
    const expected = {
      remoteId: BEN.id,
      network: NETWORK.keyId,
      isProved: helloCheck(secretNetwork(), end),
      version: CONNECTION_VERSIONS,
    }
    return {
      handle: (input) => readHello(decodeValue(input), expected),
      verify: (_input, result) =>
        Buffer.compare((result as Hello).boot, BOOT) === 0 ? undefined : 'a proof for another start passes',
      alive: () => (readHello(provedHello(), expected).kind === 'control' ? undefined : 'another kind'),
    }
  },
}

const [CHALLENGE_BYTES, PROOF_BYTES] = [32, 32]
/** The same challenge every time, so that a right answer can be known before. */
const sameChallenge = { bytes: (length: number) => new Uint8Array(length).fill(5) }
const CHALLENGE = sameChallenge.bytes(CHALLENGE_BYTES)

/** What a member says to an acceptor, and as an acceptor. */
function rightWords(): { answer: Uint8Array; challenge: Uint8Array } {
  const theirs = new Uint8Array(CHALLENGE_BYTES).fill(6)
  const keys = secretNetwork()
  return {
    answer: join(theirs, keys.prove('pc-dial', join(CHALLENGE, theirs))),
    challenge: join(theirs, keys.prove('pc-accept', join(theirs, CHALLENGE))),
  }
}

const admission: Target = {
  name: 'transport/Admission',
  about: 'what an outsider says before TLS, to an acceptor and to a dialler of a network with a secret',
  covers: [],
  shape: opaque,
  seeds() {
    const { answer, challenge } = rightWords()
    return [answer, challenge, answer.subarray(0, 63), join(answer, Uint8Array.of(22, 3, 1)), CHALLENGE]
  },
  allows: () => false,
  open() {
    const keys = secretNetwork()
    const admissions = new Admissions(keys, sameChallenge)
    const run = (one: Admission, parts: Iterable<Uint8Array>): { admitted: boolean } => {
      let step = one.start()
      for (const part of parts) {
        if (step.type !== 'wait') break
        step = one.receive(part)
      }
      one.end()
      return { admitted: step.type === 'admitted' }
    }
    const accept = (input: Uint8Array) => run(admissions.accepting(), pieces(input))
    // A challenge by itself, as a dialler must get it, and then the rest.
    const dial = (input: Uint8Array) =>
      run(admissions.dialling(), [input.subarray(0, CHALLENGE_BYTES), input.subarray(CHALLENGE_BYTES)])
    return {
      handle: (input) => ({ accepted: accept(input), dialled: dial(input) }),
      verify(input, result) {
        const { accepted, dialled } = result as { accepted: { admitted: boolean }; dialled: { admitted: boolean } }
        const [first, proof] = [input.subarray(0, CHALLENGE_BYTES), input.subarray(CHALLENGE_BYTES)]
        // What comes in another piece behind a right answer is for TLS.
        const proved = keys.verifyProof('pc-dial', join(CHALLENGE, first), proof.subarray(0, PROOF_BYTES))
        if (accepted.admitted ? !proved : proved && proof.length === PROOF_BYTES)
          return 'the acceptor admits what proves nothing, or refuses a proof'
        if (dialled.admitted !== keys.verifyProof('pc-accept', join(first, CHALLENGE), proof))
          return 'the dialler admits what proves nothing, or refuses a proof'
        return admissions.open === 0 ? undefined : 'a challenge stays behind'
      },
      alive() {
        const { answer, challenge } = rightWords()
        return accept(answer).admitted && dial(challenge).admitted ? undefined : 'a member is refused'
      },
    }
  },
}

/** Frames that a peer may send at any time, beside HELLO. */
export const CONVERSATION: readonly Uint8Array[] = [
  frame('pc/ping', 1, null),
  frame('pc/pong', 1, null),
  frame('app/data', 2, { a: 1 }),
  frame('pc/goaway', 0, { code: 4, reason: '', lastId: 0 }),
  join(frame('app/data', 3, [1, 2]), frame('pc/ping', 4, null), frame('app/data', 5, 'x')),
  join(...VALUES.map((body, id) => frame('app/data', id, body))),
  frame('app/data', 6, new Uint8Array(30_000)),
]

/** What `input` holds: the messages up to the first fault, whether there is one, and whether it ends inside a frame. */
function expected(input: Uint8Array): { messages: Message[]; fault: boolean; partial: boolean } {
  const messages: Message[] = []
  const decoder = new FrameDecoder()
  try {
    for (const one of input) {
      for (const payload of decoder.push(Uint8Array.of(one))) {
        const message = decodeMessage(payload)
        if (message.peerId !== null || typeof message.id !== 'number') return { messages, fault: true, partial: false }
        messages.push(message)
      }
    }
  } catch (error) {
    if (error instanceof WireError) return { messages, fault: true, partial: false }
    throw error
  }
  return { messages, fault: false, partial: decoder.buffered > 0 }
}

const connection: Target = {
  name: 'transport/Connection',
  conversation: true,
  about: 'a control connection in the middle of its stream',
  covers: ['@pc/transport Connection'],
  shape: frames(PEER_HEADERS),
  seeds: () => CONVERSATION,
  allows: () => false,
  open: () => connectionSubject(false),
}

const firstFrame: Target = {
  name: 'transport/Connection-bulk',
  conversation: true,
  about: 'a first frame alone, and what follows with the limits of a bulk connection; GOAWAY obeyed',
  covers: ['@pc/transport Connection'],
  shape: frames(PEER_HEADERS),
  seeds: () => CONVERSATION.map((following) => join(frame('pc/hello', 0, hello('bulk')), following)),
  allows: () => false,
  open: () => connectionSubject(true),
}

function connectionSubject(bulk: boolean): Subject {
  const clock = new VirtualClock()
  const logged: unknown[] = []
  let current:
    | { connection: Connection; theirs: Duplex; messages: Message[]; reason: CloseReason | undefined }
    | undefined
  const renew = () => {
    const { ours, theirs } = strangerStream(BEN.id, false)
    const made = new Connection(ours, { clock, firstFrameOnly: bulk, logger: errorsInto(logged) })
    const state = { connection: made, theirs, messages: [] as Message[], reason: undefined as CloseReason | undefined }
    made.onMessage((message) => {
      state.messages.push(message)
      if (state.messages.length === 1) made.proceed('bulk')
    })
    void made.closed.then((reason) => {
      state.reason = reason
    })
    return state
  }
  const drop = (): void => {
    current?.connection.destroy()
    current?.theirs.destroy()
  }
  return {
    prepare() {
      drop()
      current = renew()
    },
    handle: (input) => current && say(current.theirs, input),
    async verify(input) {
      if (current === undefined) return undefined
      const { messages, connection: made } = current
      await turn()
      if (logged.length > 0) return `it logged an error: ${String(logged.pop()).slice(0, 300)}`
      const { reason } = current
      if (
        reason?.error !== undefined &&
        !(reason.error instanceof WireError || reason.error instanceof TransportError)
      ) {
        return `closed with an error of no known class: ${String(reason.error)}`
      }
      if (bulk || input.length > 8_000) return undefined
      const { messages: right, fault, partial } = expected(input)
      if (messages.some((message, index) => message.header !== right[index]?.header))
        return 'it delivers other messages than the stream holds'
      if (fault)
        return reason?.code === 'PROTOCOL_ERROR' ? undefined : `a fault did not end it: ${reason?.code ?? 'open'}`
      if (messages.length !== right.length) return `it delivers ${messages.length} of ${right.length} messages`
      if (!made.open) return `it closed for no fault: ${reason?.code ?? 'not said'}`
      if (partial) return undefined
      await say(current.theirs, frame('app/last', 9, null))
      return messages.at(-1)?.header === 'app/last' ? undefined : 'a valid frame afterwards is not delivered'
    },
    async alive() {
      const other = renew()
      await say(other.theirs, frame('app/data', 1, null))
      const count = other.messages.length
      other.connection.destroy()
      other.theirs.destroy()
      return count === 1 ? undefined : 'a new connection delivers nothing'
    },
    async close() {
      drop()
      await clock.advance(10_000)
    },
  }
}

const address: Target = {
  name: 'transport/parseAddress',
  about: 'an IP address and a port in text',
  covers: ['@pc/transport parseAddress'],
  shape: plainText,
  seeds: () => texts('192.168.1.7:3485', '[fd00::7]:3485', '[fe80::1%eth0]:1', '[::ffff:1.2.3.4]:65535'),
  allows: errors(TransportError, ['ADDRESS_INVALID']),
  open: () => ({
    handle: (input) => parseAddress(textOf(input)),
    verify(_input, result) {
      const { host, port } = result as Address
      const again = parseAddress(formatAddress({ host, port }))
      return again.host === host && again.port === port ? undefined : 'written and read again it is another address'
    },
    alive: () => (parseAddress('10.0.0.1:1').port === 1 ? undefined : 'another port'),
  }),
}

const interfaceRules: Target = {
  name: 'transport/parseInterfaceRules',
  about: 'rules about interfaces in text',
  covers: ['@pc/transport parseInterfaceRules'],
  shape: plainText,
  seeds: () => texts('lo,eth*,!docker*', '*', '!wg0', ' a , b '),
  allows: errors(TransportError, ['INTERFACE_RULE_INVALID']),
  open: () => ({
    handle: (input) => parseInterfaceRules(textOf(input)),
    alive: () => (parseInterfaceRules('lo').allow?.[0] === 'lo' ? undefined : 'another rule'),
  }),
}

export const transportTargets: readonly Target[] = [
  readHelloTarget,
  readProvedHello,
  admission,
  connection,
  firstFrame,
  address,
  interfaceRules,
]
