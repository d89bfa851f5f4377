import { readFileSync } from 'node:fs'

/** The lines of a vector file without comments and empty lines, split at the first `fields` spaces. */
export function readVectors(name: string, fields: (kind: string) => number): string[][] {
  const text = readFileSync(new URL(`../../vectors/${name}`, import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => splitLine(line, fields(line.slice(0, line.indexOf(' ')))))
}

/** Bytes of a hex field; `-` stands for none. */
export function fromHex(field: string | undefined): Uint8Array {
  if (field === undefined) throw new Error('the vector has too few fields')
  return Uint8Array.from(Buffer.from(field === '-' ? '' : field, 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** The code of the error `run` throws; fails if it throws none. */
export function codeOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return 'no error'
}

function splitLine(line: string, fields: number): string[] {
  const parts = line.split(' ')
  return [...parts.slice(0, fields), parts.slice(fields).join(' ')]
}
