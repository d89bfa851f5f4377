import { decodeMessage, encodeFrame, FrameDecoder, InvalidPacketError, PROTOCOL_VERSION } from '@pc/wire'

// Two messages leave as one run of bytes …
const envelope = { header: 'chat/say', version: PROTOCOL_VERSION, peerId: null }
const bodies = ['hello', 'is anybody there?']
const stream = Buffer.concat(bodies.map((body, id) => encodeFrame({ ...envelope, id, body })))
// … and arrive in pieces that know nothing of messages.
const decoder = new FrameDecoder()
try {
  for (let start = 0; start < stream.length; start += 7) {
    for (const frame of decoder.push(stream.subarray(start, start + 7))) {
      const { header, id, body } = decodeMessage(frame)
      console.log(`${header} #${id}: ${body}`)
    }
  }
  decoder.end()
} catch (error) {
  if (!(error instanceof InvalidPacketError)) throw error
  console.error(`the other side broke the protocol: ${error.code}`) // close the connection
}
