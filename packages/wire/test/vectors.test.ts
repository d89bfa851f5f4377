import {
  type Datagram,
  decodeMessage,
  decodeValue,
  encodeMessage,
  encodeValue,
  FrameDecoder,
  InvalidPacketError,
  type MacDatagram,
  type Message,
  packMacDatagram,
  readDatagram,
  type Value,
} from '@pc/wire'
import { describe, expect, test } from 'vitest'
import { thrownBy } from './_util/thrown.js'
import { parseBytes, parseNotation, readVectors } from './_util/vectors.js'

const isError = (outcome: string) => /^[A-Z_0-9]+$/.test(outcome)

function expectRefusal(code: string, action: () => unknown): void {
  const error = thrownBy(action)
  expect(error).toBeInstanceOf(InvalidPacketError)
  expect(error).toMatchObject({ code })
}

describe('values.txt', () => {
  test.each(readVectors('values.txt', 4))('%s: %s', (_name, outcome, hex, notation) => {
    const bytes = parseBytes(hex ?? '')
    if (isError(outcome ?? '')) return expectRefusal(outcome ?? '', () => decodeValue(bytes))
    const value = parseNotation(notation ?? '') as Value
    expect(decodeValue(bytes)).toStrictEqual(value)
    if (outcome === 'both') expect(encodeValue(value)).toStrictEqual(bytes)
    else expect(outcome).toBe('read')
  })
})

describe('envelopes.txt', () => {
  test.each(readVectors('envelopes.txt', 4))('%s: %s', (_name, outcome, hex, notation) => {
    const bytes = parseBytes(hex ?? '')
    if (isError(outcome ?? '')) return expectRefusal(outcome ?? '', () => decodeMessage(bytes))
    const message = parseNotation(notation ?? '') as Message
    expect(decodeMessage(bytes)).toStrictEqual(message)
    if (outcome === 'both') expect(encodeMessage(message)).toStrictEqual(bytes)
    else expect(outcome).toBe('read')
  })
})

describe('frames.txt', () => {
  test.each(readVectors('frames.txt', 5))('%s: %s', (_name, outcome, maxLength, hex, list) => {
    const stream = parseBytes(hex ?? '')
    const frames = (list ?? '').split(',').filter(Boolean).map(parseBytes)
    for (const size of [1, 3, stream.length || 1]) {
      const decoder = new FrameDecoder({ maxLength: Number(maxLength) })
      const read = () => {
        const found: Uint8Array[] = []
        for (let start = 0; start < stream.length; start += size) {
          found.push(...decoder.push(stream.subarray(start, start + size)))
        }
        decoder.end()
        return found
      }
      if (isError(outcome ?? '')) expectRefusal(outcome ?? '', read)
      else expect(read()).toStrictEqual(frames)
    }
  })
})

describe('datagrams.txt', () => {
  test.each(readVectors('datagrams.txt', 4))('%s: %s', (_name, outcome, hex, notation) => {
    const bytes = parseBytes(hex ?? '')
    if (isError(outcome ?? '')) return expectRefusal(outcome ?? '', () => readDatagram(bytes))
    const datagram = parseNotation(notation ?? '') as Datagram
    expect(readDatagram(bytes)).toStrictEqual(datagram)
    if (outcome === 'read') return
    expect(outcome).toBe('both')
    const { mac, authenticated, ...fields } = datagram as MacDatagram
    const packed = packMacDatagram(fields, (covered) => {
      expect(covered).toStrictEqual(authenticated)
      return mac
    })
    expect(packed).toStrictEqual(bytes)
  })
})
