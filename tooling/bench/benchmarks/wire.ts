/** `bench wire`: what the codec costs, with every check in it, beside msgpackr alone. */
import { decodeMessage, encodeFrame, encodeMessage, FrameDecoder, type Message, PROTOCOL_VERSION } from '@pc/wire'
import type { Benchmark, Figure } from '../benchmark.js'
import { codecMeasures } from '../codec-loops.js'
import type { Near } from '../side.js'

const CONTENTS = [
  ['100b', '100 bytes'],
  ['map', 'a map of six members'],
  ['1k', '1 KiB'],
  ['64k', '64 KiB'],
]

export const wire: Benchmark = {
  name: 'wire',
  summary: 'envelopes encoded and decoded, frames found in a stream, against msgpackr alone',
  placement: 'one process',
  builds: ['packages/wire'],
  contestants: { ours: import.meta.url, raw: new URL('../raw/wire.ts', import.meta.url).href },
  figures: [
    ...CONTENTS.flatMap(([name, text]): Figure[] => [
      { name: `encode_${name}`, unit: 'per_s', text: `envelopes encoded whose body is ${text}` },
      { name: `decode_${name}`, unit: 'per_s', text: `envelopes decoded whose body is ${text}` },
    ]),
    { name: 'frames_100b', unit: 'per_s', text: 'frames of 100-byte bodies cut out of 64 KiB chunks' },
  ],
}

export const near: Near = async () => ({
  measures: codecMeasures({
    encode: (id, body) => encodeMessage(messageOf(id, body)),
    decode: (bytes) => decodeMessage(bytes) as Message & { id: number },
    frame: (id, body) => encodeFrame(messageOf(id, body)),
    splitter() {
      const decoder = new FrameDecoder()
      return (chunk) => decoder.push(chunk).length
    },
  }),
  close: () => {},
})

function messageOf(id: number, body: Message['body']): Message {
  return { header: 'bench/count', id, version: PROTOCOL_VERSION, body, peerId: null }
}
