import { decodeMessage, encodeFrame, FrameDecoder, InvalidPacketError, PROTOCOL_VERSION } from '@pc/wire'

// Two messages leave as one run of bytes …
const send = (header: string, id: number, body: string) =>
  encodeFrame({ header, id, version: PROTOCOL_VERSION, body, peerId: null })
const stream = Buffer.concat([send('chat/say', 1, 'hello'), send('chat/say', 2, 'is anybody there?')])

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
