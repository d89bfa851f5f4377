import { PassThrough } from 'node:stream'
import { createIdentity } from '@pc/identity'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Address, formatAddress } from './address.js'
import { type ConnectToPeerOptions, connectToPeer } from './connect-to-peer.js'
import { TransportError, type TransportErrorCode } from './errors.js'
import type { NetworkProtocol, SecureStream } from './network-protocol.js'

const ANNA = createIdentity(new Uint8Array(32).fill(2)).id
const [A, B, C] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((host) => ({ host, port: 3485 })) as [
  Address,
  Address,
  Address,
]

type Answer = { after?: number; error?: TransportErrorCode; deaf?: boolean }

/** Answers for each address and attempt what the test says; remembers who was dialled when, and every stream it made. */
class ScriptedProtocol {
  readonly dials: string[] = []
  readonly streams: SecureStream[] = []
  readonly clock: VirtualClock
  readonly #script: Map<string, Answer[]>
  open = 0

  constructor(clock: VirtualClock, script: [Address, Answer[]][]) {
    this.clock = clock
    this.#script = new Map(script.map(([address, answers]) => [formatAddress(address), [...answers]]))
  }

  protocol(): NetworkProtocol {
    const unused = (): never => {
      throw new Error('not used here')
    }
    return {
      name: 'scripted',
      listen: unused,
      bind: unused,
      connect: (address, options) => this.#connect(address, options?.signal),
    }
  }

  #connect(address: Address, signal: AbortSignal | undefined): Promise<SecureStream> {
    this.dials.push(`${this.clock.now()} ${address.host}`)
    const answers = this.#script.get(formatAddress(address)) ?? []
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    this.open += 1
    return new Promise<SecureStream>((resolve, reject) => {
      const finish = (): void => {
        this.open -= 1
        if (answer?.error === undefined) resolve(this.#stream(address))
        else reject(new TransportError(answer.error, `${answer.error} at ${address.host}.`, { address }))
      }
      const timer = answer?.after === undefined ? undefined : this.clock.setTimeout(finish, answer.after)
      signal?.addEventListener('abort', () => {
        if (answer?.deaf) return
        this.clock.clearTimeout(timer)
        this.open -= 1
        reject(signal.reason)
      })
    })
  }

  #stream(remoteAddress: Address): SecureStream {
    const stream: SecureStream = {
      duplex: new PassThrough(),
      remoteId: ANNA,
      remoteAddress,
      localAddress: C,
      dialled: true,
    }
    this.streams.push(stream)
    return stream
  }
}

describe('connectToPeer', () => {
  let clock: VirtualClock
  beforeEach(() => {
    clock = new VirtualClock()
  })

  async function run(script: [Address, Answer[]][], options: ConnectToPeerOptions = {}) {
    const scripted = new ScriptedProtocol(clock, script)
    const random = new SeededRandom(7)
    let outcome: SecureStream | Error | undefined
    connectToPeer(
      scripted.protocol(),
      script.map(([address]) => address),
      { clock, random, ...options },
    ).then(
      (stream) => {
        outcome = stream
      },
      (error: Error) => {
        outcome = error
      },
    )
    await clock.runUntil(() => outcome !== undefined)
    const at = clock.now()
    // Whatever is still under way must end by itself and leave nothing.
    await clock.advance(60_000)
    expect(clock.pending).toBe(0)
    const kept = scripted.streams.filter(({ duplex }) => !duplex.destroyed)
    return { scripted, outcome, at, kept }
  }

  it('takes the first address when it answers before the second is due', async () => {
    const { scripted, outcome, kept } = await run([
      [A, [{ after: 249 }]],
      [B, [{ after: 1 }]],
    ])
    expect(outcome).toMatchObject({ remoteAddress: A })
    expect(scripted.dials).toEqual(['0 10.0.0.1'])
    expect(kept).toEqual([outcome])
  })

  it('RFC 8305 §5: starts the next address after 250 ms of silence, and the faster one wins', async () => {
    const { scripted, outcome, at, kept } = await run([
      [A, [{ after: 900 }]],
      [B, [{ after: 100 }]],
      [C, [{ after: 1 }]],
    ])
    expect(outcome).toMatchObject({ remoteAddress: B })
    expect(at).toBe(350)
    expect(scripted.dials).toEqual(['0 10.0.0.1', '250 10.0.0.2'])
    expect(scripted.open).toBe(0)
    expect(kept).toEqual([outcome])
  })

  it('starts the next address at once when one fails', async () => {
    const { scripted, outcome } = await run([
      [A, [{ after: 10, error: 'CONNECTION_REFUSED' }]],
      [B, [{ after: 10 }]],
    ])
    expect(outcome).toMatchObject({ remoteAddress: B })
    expect(scripted.dials).toEqual(['0 10.0.0.1', '10 10.0.0.2'])
  })

  it('goes on when a wrong peer answers', async () => {
    const { outcome } = await run([
      [A, [{ after: 1, error: 'WRONG_PEER' }]],
      [B, [{ after: 1 }]],
    ])
    expect(outcome).toMatchObject({ remoteAddress: B })
  })

  it('destroys what comes too late, even from a protocol that does not stop when told to', async () => {
    const { outcome, scripted, kept } = await run([
      [A, [{ after: 800, deaf: true }]],
      [B, [{ after: 100 }]],
    ])
    expect(outcome).toMatchObject({ remoteAddress: B })
    expect(scripted.streams).toHaveLength(2)
    expect(kept).toEqual([outcome])
  })

  it('keeps one of two that answer in the same turn', async () => {
    const streams: SecureStream[] = []
    const answers: (() => void)[] = []
    const unused = (): never => {
      throw new Error('not used here')
    }
    const protocol: NetworkProtocol = {
      name: 'together',
      listen: unused,
      bind: unused,
      connect: (remoteAddress) =>
        new Promise((resolve) => {
          answers.push(() => {
            streams.push({ duplex: new PassThrough(), remoteId: ANNA, remoteAddress, localAddress: C, dialled: true })
            resolve(streams.at(-1) as SecureStream)
          })
        }),
    }
    const connecting = connectToPeer(protocol, [A, B], { clock })
    await clock.advance(250)
    for (const answer of answers) answer()
    const stream = await connecting
    await clock.advance(0)
    expect(streams).toHaveLength(2)
    expect(streams.filter(({ duplex }) => !duplex.destroyed)).toEqual([stream])
    expect(clock.pending).toBe(0)
  })

  it('gives each address its time, even if the protocol does not', async () => {
    const { outcome, at } = await run([[A, [{ deaf: true }]]], { retries: 0, attemptTimeoutMs: 700 })
    expect(at).toBe(700)
    expect(outcome).toMatchObject({
      code: 'ALL_ATTEMPTS_FAILED',
      attempts: [{ address: A, error: { code: 'CONNECT_TIMEOUT' } }],
    })
  })

  it('tries again after a pause, but only where that can help', async () => {
    const { scripted, outcome } = await run([
      [A, [{ after: 10, error: 'WRONG_PEER' }]],
      [B, [{ after: 10, error: 'CONNECTION_REFUSED' }, { after: 10 }]],
    ])
    expect(outcome).toMatchObject({ remoteAddress: B })
    expect(scripted.dials.map((dial) => dial.split(' ')[1])).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.2'])
    expect(Number(scripted.dials[2]?.split(' ')[0])).toBeGreaterThan(20)
    expect(Number(scripted.dials[2]?.split(' ')[0])).toBeLessThanOrEqual(270)
  })

  it('lists every address with its last failure when all fail, and gives up after the retries', async () => {
    const { scripted, outcome } = await run([
      [A, [{ after: 1, error: 'WRONG_PEER' }]],
      [
        B,
        [
          { after: 1, error: 'UNREACHABLE' },
          { after: 1, error: 'CONNECTION_REFUSED' },
        ],
      ],
    ])
    expect(scripted.dials).toHaveLength(4)
    expect(outcome).toMatchObject({
      code: 'ALL_ATTEMPTS_FAILED',
      retryable: true,
      attempts: [
        { address: A, error: { code: 'WRONG_PEER' } },
        { address: B, error: { code: 'CONNECTION_REFUSED' } },
      ],
    })
    expect((outcome as Error).message).toContain('10.0.0.1')
  })

  it('gives up at once when no retry can help', async () => {
    const { scripted, outcome, at } = await run([[A, [{ after: 5, error: 'WRONG_PEER' }]]])
    expect(outcome).toMatchObject({ code: 'ALL_ATTEMPTS_FAILED' })
    expect([scripted.dials.length, at]).toEqual([1, 5])
  })

  it('needs an address, tries each once however often it is given, and at most 16', async () => {
    await expect(connectToPeer(new ScriptedProtocol(clock, []).protocol(), [])).rejects.toMatchObject({
      code: 'NO_ADDRESS',
    })
    const twice = await run([
      [A, [{ after: 1, error: 'WRONG_PEER' }]],
      [A, [{ after: 1, error: 'WRONG_PEER' }]],
    ])
    expect(twice.scripted.dials).toHaveLength(1)
    const many = Array.from({ length: 40 }, (_, index): [Address, Answer[]] => [
      { host: `10.1.0.${index}`, port: 1 },
      [{ after: 1, error: 'WRONG_PEER' }],
    ])
    expect((await run(many)).scripted.dials).toHaveLength(16)
  })

  for (const { when, abortAt } of [
    { when: 'while dialling', abortAt: 100 },
    { when: 'while two addresses race', abortAt: 300 },
    { when: 'in the pause before a retry', abortAt: 1_260 },
  ]) {
    it(`stops at once, and leaves nothing, when the signal aborts ${when}`, async () => {
      const scripted = new ScriptedProtocol(clock, [
        [A, [{}]],
        [B, [{}]],
      ])
      const controller = new AbortController()
      const random = { float: () => 0.9, bytes: () => new Uint8Array() }
      const promise = connectToPeer(scripted.protocol(), [A, B], { clock, random, signal: controller.signal })
      const outcome = promise.catch((error: Error) => error)
      await clock.advance(abortAt)
      controller.abort(new Error('enough'))
      expect(await outcome).toMatchObject({ message: 'enough' })
      expect(clock.pending).toBe(0)
      expect(scripted.open).toBe(0)
      await clock.advance(60_000)
      expect(scripted.streams).toEqual([])
    })
  }

  it('tells the protocol whom it expects and how long it may take', async () => {
    const told: unknown[] = []
    const unused = (): never => {
      throw new Error('not used here')
    }
    const protocol: NetworkProtocol = {
      name: 'listening',
      listen: unused,
      bind: unused,
      connect: async (address, options) => {
        const { signal, ...rest } = options ?? {}
        told.push([address, rest, signal?.aborted])
        return { duplex: new PassThrough(), remoteId: ANNA, remoteAddress: address, localAddress: C, dialled: true }
      },
    }
    await connectToPeer(protocol, [A], { clock, expect: ANNA, attemptTimeoutMs: 70 })
    await connectToPeer(protocol, [B], { clock })
    expect(told).toEqual([
      [A, { timeoutMs: 70, expect: ANNA }, false],
      [B, { timeoutMs: 1_000 }, false],
    ])
  })

  it('waits longer before each further round, and starts as many as it was told', async () => {
    const scripted = new ScriptedProtocol(clock, [[A, [{ after: 0, error: 'CONNECTION_REFUSED' }]]])
    const random = { float: () => 1, bytes: () => new Uint8Array() }
    const outcome = connectToPeer(scripted.protocol(), [A], { clock, random, retries: 3 }).catch((error) => error.code)
    await clock.advance(60_000)
    expect(await outcome).toBe('ALL_ATTEMPTS_FAILED')
    expect(scripted.dials).toEqual(['0 10.0.0.1', '250 10.0.0.1', '750 10.0.0.1', '1750 10.0.0.1'])
  })

  it('counts the 250 ms anew for each address, and never starts one twice', async () => {
    const { scripted } = await run(
      [
        [A, [{ after: 100, error: 'WRONG_PEER' }]],
        [B, [{ after: 900, error: 'WRONG_PEER' }]],
        [C, [{ after: 900, error: 'WRONG_PEER' }]],
      ],
      { retries: 0 },
    )
    expect(scripted.dials).toEqual(['0 10.0.0.1', '100 10.0.0.2', '350 10.0.0.3'])
  })

  it('fails only when the last of those under way has failed', async () => {
    const { outcome, at } = await run([
      [A, [{ after: 900 }]],
      [B, [{ after: 10, error: 'WRONG_PEER' }]],
    ])
    expect(outcome).toMatchObject({ remoteAddress: A })
    expect(at).toBe(900)
  })

  it('does not start when the signal is aborted already', async () => {
    const scripted = new ScriptedProtocol(clock, [[A, [{ after: 1 }]]])
    const signal = AbortSignal.abort(new Error('enough'))
    await expect(connectToPeer(scripted.protocol(), [A], { clock, signal })).rejects.toThrow('enough')
    expect(scripted.dials).toEqual([])
  })
})
