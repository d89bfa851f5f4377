/**
 * Which counters of a session have been seen (RFC 6479's ring of words, so that nothing is shifted). `fresh` reads, `add` writes:
 * between the two the datagram proves itself, so that nobody can use up a counter that was not his. Pure.
 */

/** Datagrams may overtake each other by this many: far more than a network of one building holds back. */
export const WINDOW = 1_024
/** A counter never comes near it: a session ends after 2^32 datagrams. */
export const MAX_COUNTER: number = 2 ** 32 - 1

const WORD_BITS = 32
/** One word more than the window needs: the newest is only partly used. */
const WORDS: number = WINDOW / WORD_BITS + 1

export class ReplayWindow {
  readonly #words = new Uint32Array(WORDS)
  #highest = -1

  /** Whether `counter` has not been added and is not too old to tell. */
  fresh(counter: number): boolean {
    if (counter > this.#highest) return counter <= MAX_COUNTER
    if (this.#highest - counter >= WINDOW) return false
    return ((this.#words[wordOf(counter)] as number) & bitOf(counter)) === 0
  }

  /** @param counter one that is fresh */
  add(counter: number): void {
    if (counter > this.#highest) {
      const newest = Math.floor(counter / WORD_BITS)
      const present = Math.floor(this.#highest / WORD_BITS)
      for (let passed = 1; passed <= Math.min(newest - present, WORDS); passed++) {
        this.#words[(newest - passed + 1) % WORDS] = 0
      }
      this.#highest = counter
    }
    const word = wordOf(counter)
    this.#words[word] = (this.#words[word] as number) | bitOf(counter)
  }
}

function wordOf(counter: number): number {
  return Math.floor(counter / WORD_BITS) % WORDS
}

function bitOf(counter: number): number {
  return 1 << (counter % WORD_BITS)
}
