/** What this peer says of itself: that it lives, whenever somebody takes it for dead (SWIM §4.2), and that it goes. */
import type { Identity } from '@pc/identity'

import { type Statement, StatementKind, signStatement } from './statements.js'

export class OwnWord {
  readonly #identity: Pick<Identity, 'id' | 'sign'>
  #incarnation: number
  /** ALIVE of the present number, once it was said again. */
  #present: Statement | undefined

  constructor(identity: Pick<Identity, 'id' | 'sign'>, incarnation: number) {
    this.#identity = identity
    this.#incarnation = incarnation
  }

  get incarnation(): number {
    return this.#incarnation
  }

  /**
   * The answer to a statement about this peer whose signature is good; undefined for an old one. An accuser's number means nothing beyond ours, as
   * it may have been made up. Our own signature under a greater number is of an earlier run: the clock was set back, and we go on from there.
   */
  refute({ kind, incarnation }: Pick<Statement, 'kind' | 'incarnation'>): Statement | undefined {
    const own = kind !== StatementKind.SUSPECT
    if (incarnation < this.#incarnation || (kind === StatementKind.ALIVE && incarnation === this.#incarnation)) {
      return undefined
    }
    this.#incarnation = (own ? incarnation : this.#incarnation) + 1
    return this.#say(StatementKind.ALIVE)
  }

  /** To those who do not know the number yet: the same as before. */
  again(): Statement {
    if (this.#present?.incarnation !== this.#incarnation) this.#present = this.#say(StatementKind.ALIVE)
    return this.#present
  }

  /** To those who may have taken this peer for dead while its machine slept. */
  stillHere(): Statement {
    this.#incarnation += 1
    return this.#say(StatementKind.ALIVE)
  }

  leave(): Statement {
    return this.#say(StatementKind.LEAVE)
  }

  #say(kind: StatementKind): Statement {
    return signStatement(this.#identity, kind, this.#identity.id, this.#incarnation)
  }
}
