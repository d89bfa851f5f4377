/** What key exchanges cost the simulated machine on which they are made: its time, not ours. */
import type { KeyExchange, PeerId } from '@pc/identity'
import type { SimulatedHost } from '@pc/testkit'

/** A Diffie-Hellman, and about as much for a new key. */
const DIFFIE_HELLMAN_MS = 0.035

export function costed(exchange: KeyExchange, host: SimulatedHost<PeerId>): KeyExchange {
  const spend = (count: number): void => host.spend(count * DIFFIE_HELLMAN_MS)
  return {
    initiate(to, early, ownIndex) {
      spend(3)
      const begun = exchange.initiate(to, early, ownIndex)
      return (
        begun && {
          message: begun.message,
          finish(message2) {
            spend(2)
            return begun.finish(message2)
          },
        }
      )
    },
    respond(message1, remoteIndex) {
      spend(2)
      const received = exchange.respond(message1, remoteIndex)
      return (
        received && {
          remoteId: received.remoteId,
          early: received.early,
          accept(ownIndex) {
            spend(3)
            return received.accept(ownIndex)
          },
        }
      )
    },
  }
}
