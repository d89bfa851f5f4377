import { readFileSync } from 'node:fs'

/** The cases of a vector file as lists of columns; what the columns mean is said in the file. */
export function readVectors(file: string, columns: number): string[][] {
  const text = readFileSync(new URL(`../../vectors/${file}`, import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map((line) => {
      const parts = line.split('|').map((part) => part.trim())
      if (parts.length !== columns) throw new Error(`${file}: ${columns} columns were expected in: ${line}`)
      return parts
    })
}

/** Groups of hex digits, each perhaps repeated, as in `dc0010 01*16`. */
export function parseBytes(text: string): Uint8Array {
  const groups = text.split(' ').filter((group) => group !== '')
  return new Uint8Array(
    Buffer.concat(
      groups.map((group) => {
        const match = /^((?:[0-9a-f]{2})+)(?:\*(\d+))?$/.exec(group)
        if (match === null) throw new Error(`not a group of hex digits: ${group}`)
        return Buffer.from((match[1] ?? '').repeat(Number(match[2] ?? 1)), 'hex')
      }),
    ),
  )
}

/** JSON with the additions $bytes, $float, $repeat, $items and $u64. */
export function parseNotation(text: string): unknown {
  return JSON.parse(text, (_key, value) => {
    if (value === null || typeof value !== 'object') return value
    if ('$bytes' in value) return parseBytes(value.$bytes)
    if ('$float' in value) return Number(value.$float)
    if ('$repeat' in value) return value.$repeat[0].repeat(value.$repeat[1])
    if ('$items' in value) return new Array(value.$items[1]).fill(value.$items[0])
    if ('$u64' in value) return BigInt(value.$u64)
    return value
  })
}
