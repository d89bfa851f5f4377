/** Membership's verdicts and the pinning of names, as events of the peer. */
import type { Feed } from '@pc/dispatch'
import type { PeerId } from '@pc/identity'
import type { Membership, MembershipEvent } from '@pc/membership'
import type { Connector, Logger } from '@pc/transport'
import type { Directory } from './directory.js'
import type { NamePins } from './names.js'
import type { PeerEvent } from './peer.js'

export interface WatchOptions {
  readonly directory: Directory
  readonly membership: Membership
  readonly connector: Connector
  readonly pins: NamePins
  readonly events: Feed<PeerEvent>
  readonly logger: Logger
}

/** Runs until membership ends its events, then ends the peer's. Returns what claims the name of a peer that is met in another way. */
export function watchPeers(options: WatchOptions): (id: PeerId, name: string) => void {
  const { directory, membership, connector, pins, events, logger } = options
  // Before anybody can ask for the newcomer by its name.
  const claim = (id: PeerId, name: string): void => {
    if (pins.claim(name, id) !== 'conflict') return
    const view = directory.byId(id)
    if (view === undefined) return
    logger.warn({ name, peer: id }, 'another key uses a name that is pinned; it is shown apart')
    events.publish({ type: 'name-conflict', peer: view })
  }
  connector.events.on('connected', ({ peer: id, record }) => claim(id, record.name))
  const changes = membership.events()
  void (async () => {
    try {
      for await (const change of changes) {
        const event = eventOf(change, directory)
        if (event !== undefined) events.publish(event)
      }
    } catch (error) {
      logger.error({ err: error }, 'the events of membership ended early; peers() stays right')
    } finally {
      events.close()
    }
  })()
  return claim
}

function eventOf(change: MembershipEvent, directory: Directory): PeerEvent | undefined {
  if (change.type === 'forgotten') return { type: 'forgotten', id: change.peer }
  const view = directory.byId(change.peer)
  return view === undefined ? undefined : { type: change.type, peer: view }
}
