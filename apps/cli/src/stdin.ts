import { CliError } from './failure.js'
import type { Io } from './io.js'

/** What goes into one frame of the local socket, with room for the rest of it. */
const MAX_INPUT_BYTES = 1_000_000

/** All of stdin as UTF-8. @throws CliError TOO_LARGE, USAGE (not UTF-8) */
export async function readStdin(io: Io): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of interruptible(io)) {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk
    length += bytes.length
    if (length > MAX_INPUT_BYTES) {
      throw new CliError('TOO_LARGE', `stdin has more than ${MAX_INPUT_BYTES} bytes`, { hint: 'send less at once' })
    }
    chunks.push(bytes)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new CliError('USAGE', 'stdin is not UTF-8 text', { cause })
  }
}

/** The words of a text, or stdin for a single `-`: `echo hello | pc send anna -` means hello. Rejects as {@link readStdin}. */
export async function readWords(io: Io, words: readonly string[]): Promise<string> {
  const isStdin = words.length === 1 && words[0] === '-'
  return isStdin ? (await readStdin(io)).replace(/\r?\n$/, '') : words.join(' ')
}

/** stdin of a terminal may never end: Ctrl-C must. */
async function* interruptible({ stdin, signal }: Io): AsyncGenerator<Uint8Array | string> {
  signal.throwIfAborted()
  const iterator = stdin[Symbol.asyncIterator]()
  const interrupted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  for (;;) {
    const next = await Promise.race([iterator.next(), interrupted])
    if (next.done) return
    yield next.value
  }
}
