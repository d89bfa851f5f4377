/** The loops of the `wire` benchmark, the same for every codec; each codec runs them in a process of its own. */
import type { Value } from '@pc/wire'
import type { Measure } from './side.js'

/** Message in, envelope out, and back; and frames in a stream. */
export interface Codec {
  encode(id: number, body: Value): Uint8Array
  decode(bytes: Uint8Array): { readonly id: number }
  /** With its length before it. */
  frame(id: number, body: Value): Uint8Array
  /** Takes the next piece of a stream and returns how many frames became whole. */
  splitter(): (chunk: Buffer) => number
}

/** What is in a message, by the name that figures carry. */
const BODIES: Readonly<Record<string, Value>> = {
  '100b': new Uint8Array(100).fill(7),
  map: { order: 4_711, item: 'lamp, brass, 40 W', count: 2, price: 19.9, tags: ['fragile', 'gift'], note: null },
  '1k': new Uint8Array(1_024).fill(7),
  '64k': new Uint8Array(65_536).fill(7),
}

/** Operations between two looks at the clock: of the small ones a few µs. */
const BATCH = 50
/** As a socket gives them. */
const CHUNK = 65_536
const STREAM = 4_194_304

export function codecMeasures(codec: Codec): Record<string, Measure> {
  const measures: Record<string, Measure> = {}
  for (const [name, body] of Object.entries(BODIES)) {
    measures[`encode_${name}`] = async ({ ms }) => ({ [`encode_${name}_per_s`]: encodeRate(codec, body, ms) })
    measures[`decode_${name}`] = async ({ ms }) => ({ [`decode_${name}_per_s`]: decodeRate(codec, body, ms) })
  }
  measures.frames_100b = async ({ ms }) => ({ frames_100b_per_s: frameRate(codec, ms) })
  return measures
}

function encodeRate(codec: Codec, body: Value, ms: number): number {
  let done = 0
  let bytes = 0
  const started = performance.now()
  let now = started
  while (now - started < ms) {
    for (let i = 0; i < BATCH; i++) bytes += codec.encode(done++, body).length
    now = performance.now()
  }
  if (bytes < done) throw new Error('an envelope was empty')
  return (done * 1_000) / (now - started)
}

function decodeRate(codec: Codec, body: Value, ms: number): number {
  const envelopes = Array.from({ length: BATCH }, (_, id) => codec.encode(id, body))
  let done = 0
  const started = performance.now()
  let now = started
  while (now - started < ms) {
    for (let i = 0; i < BATCH; i++) {
      const { id } = codec.decode(envelopes[i] as Uint8Array)
      if (id !== i) throw new Error(`message ${i} came out as ${id}`)
    }
    done += BATCH
    now = performance.now()
  }
  return (done * 1_000) / (now - started)
}

function frameRate(codec: Codec, ms: number): number {
  const frame = codec.frame(1, BODIES['100b'] as Value)
  const inStream = Math.floor(STREAM / frame.length)
  const stream = Buffer.alloc(inStream * frame.length)
  for (let at = 0; at < stream.length; at += frame.length) stream.set(frame, at)
  let done = 0
  const started = performance.now()
  let now = started
  while (now - started < ms) {
    const split = codec.splitter()
    let frames = 0
    for (let at = 0; at < stream.length; at += CHUNK) frames += split(stream.subarray(at, at + CHUNK))
    if (frames !== inStream) throw new Error(`${frames} of ${inStream} frames came out`)
    done += frames
    now = performance.now()
  }
  return (done * 1_000) / (now - started)
}
