/**
 * The raw baseline for encoding and decoding: msgpackr alone, with the settings under which it writes the same bytes, and
 * frames cut out of a stream by their length alone. No limits, no checks. This file is fixed: see the test beside it.
 */
import { Packr } from 'msgpackr'
import { type Codec, codecMeasures } from '../codec-loops.js'
import type { Near } from '../side.js'

const PREFIX = 4

export const near: Near = async () => {
  const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'number' })
  const codec: Codec = {
    encode: (id, body) => packr.pack(['bench/count', id, 1, body, null]),
    decode(bytes) {
      const [, id] = packr.unpack(bytes) as [string, number]
      return { id }
    },
    frame(id, body) {
      const envelope = packr.pack(['bench/count', id, 1, body, null])
      const frame = Buffer.allocUnsafe(PREFIX + envelope.length)
      frame.writeUInt32BE(envelope.length)
      frame.set(envelope, PREFIX)
      return frame
    },
    splitter() {
      let held: Buffer = Buffer.alloc(0)
      return (chunk) => {
        const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk])
        let at = 0
        let frames = 0
        while (bytes.length - at >= PREFIX) {
          const end = at + PREFIX + bytes.readUInt32BE(at)
          if (end > bytes.length) break
          if (bytes.subarray(at + PREFIX, end).length > 0) frames += 1
          at = end
        }
        held = bytes.subarray(at)
        return frames
      }
    },
  }
  return { measures: codecMeasures(codec), close: () => {} }
}
