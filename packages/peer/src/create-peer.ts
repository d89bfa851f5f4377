/**
 * `createPeer()`: makes every part, starts them in a fixed order, and stops them in reverse.
 *
 *     identity → connections → membership → messaging → listen → discovery
 *
 * Whatever takes frames stands before the first stream can come in.
 */
import { networkInterfaces } from 'node:os'
import { Discovery } from '@pc/discovery'
import { ConnectionDispatcher, Feed, RequestsEndpoint } from '@pc/dispatch'
import { openIdentity, openNetwork, type PeerId } from '@pc/identity'
import { Membership } from '@pc/membership'
import { Messaging } from '@pc/messaging'
import {
  Acceptor,
  Connector,
  listenOnSharedPort,
  type NetworkInterface,
  PeerBook,
  silentLogger,
  systemClock,
  systemProtocol,
  systemRandom,
  usableInterfaces,
} from '@pc/transport'
import { Directory } from './directory.js'
import { PeerError } from './errors.js'
import { watchPeers } from './events.js'
import { HintFollower } from './hints.js'
import { NamePins } from './names.js'
import { checkOptions, DEFAULT_NETWORK, given, type PeerOptions } from './options.js'
import { OwnRecord } from './own-record.js'
import { Peer, type PeerEvent } from './peer.js'
import { type PhaseReport, Phases } from './phases.js'

const PHASES = ['identity', 'connections', 'membership', 'messaging', 'listen', 'discovery']
const BOOT_ID_BYTES = 8

/**
 * Starts a peer. Resolves when others can reach it, while discovery starts behind; the caller closes it.
 * @throws PeerError BAD_OPTIONS, NO_INTERFACE, START_FAILED (with phase and cause); the reason of `options.signal`
 */
export async function createPeer(options: PeerOptions): Promise<Peer> {
  checkOptions(options)
  const events = new Feed<PeerEvent>()
  const { clock = systemClock, logger = silentLogger, signal } = options
  const onPhase = (phase: PhaseReport): void => {
    if (phase.state === 'failed') logger.warn({ ...phase }, 'a start phase failed')
    events.publish({ type: 'phase', phase })
  }
  const phases = new Phases(clock, PHASES, onPhase, signal)
  try {
    return await start(options, phases, events)
  } catch (error) {
    await phases.stop({ signal: AbortSignal.abort(error) })
    events.close()
    throw error
  }
}

async function start(options: PeerOptions, phases: Phases, events: Feed<PeerEvent>): Promise<Peer> {
  const { clock = systemClock, random = systemRandom, logger = silentLogger, signal } = options
  const { authorize = ({ access }) => access === 'anyone' } = options
  const ports = { clock, random, logger }
  const network = openNetwork(options.network ?? DEFAULT_NETWORK)
  const bootId = random.bytes(BOOT_ID_BYTES)
  const book = new PeerBook()
  const interfaces = (): NetworkInterface[] => interfacesOf(options)

  const identity = await phases.run('identity', () =>
    typeof options.identity === 'string' ? openIdentity(options.identity) : options.identity,
  )
  const name = options.name ?? identity.id.short
  const handshakes = given({ maxHandshakesPerAddress: options.connections?.perAddress })
  const protocol = options.protocol ?? systemProtocol(identity, { clock, logger, ...handshakes })
  const own = new OwnRecord({ identity, name, capabilities: options.capabilities ?? [], interfaces, clock })

  const connector = await phases.run(
    'connections',
    () =>
      Connector.create({
        ...ports,
        ...given({ limits: options.connections }),
        identity,
        protocol,
        network,
        bootId,
        record: () => own.record(),
        peerBook: book,
      }),
    (part, stop) => part.close(stop),
  )
  const services = new ConnectionDispatcher({ authorize, logger })
  connector.events.on('bulk', (connection) => services.park(connection))

  const membership = await phases.run(
    'membership',
    () => Membership.create({ ...ports, connector }),
    (part) => part.close(),
  )
  const messaging = await phases.run(
    'messaging',
    () => Messaging.create({ ...ports, ...options.messaging, connector, authorize }),
    async (part, stop) => {
      await Promise.all([part.close(stop), services.close(stop)])
    },
  )

  const pins = new NamePins(options.knownNames)
  const directory = new Directory({ membership, pins, book })
  watchPeers({ directory, membership, connector, pins, events, logger })

  const endpoint = RequestsEndpoint.create({ network, bootId, clock, logger })
  const acceptor = new Acceptor({ connector, clock, logger, ...given({ limits: options.connections }) })
  const shared = await phases.run(
    'listen',
    () =>
      listenOnSharedPort(
        protocol,
        hostsToBind(options, interfaces()),
        { onStream: acceptor.accept, onDatagram: (bytes, from, via) => endpoint.receive(bytes, from, via) },
        given({ ports: options.ports, signal }),
      ),
    async (part) => {
      acceptor.close()
      await endpoint.close()
      await part.close()
    },
  )
  own.port = shared.port
  for (const socket of shared.sockets) endpoint.attach(socket)
  const listeningAt = clock.unixNow()

  let discovery: Discovery | undefined
  const hints = new HintFollower({
    connector,
    logger,
    knownIds: () => idsOf(book),
    matches: (hint, id) => discovery?.matches(hint, id) ?? false,
    onImpostor: (expected, address) => events.publish({ type: 'impostor', expected, address }),
  })
  connector.events.on('connected', ({ bootId: other }) => discovery?.connected(other))
  connector.events.on('disconnected', ({ bootId: other }) => discovery?.disconnected(other))
  const { discovery: wanted = {} } = options
  if (wanted !== false) {
    // Behind: a peer that cannot announce itself still talks to those who know its address, and its status says why.
    phases.runBehind(
      'discovery',
      async () => {
        discovery = await Discovery.create({
          ...ports,
          ...given({ discoveryPort: wanted.port }),
          protocol,
          endpoint,
          network,
          id: identity.id,
          bootId,
          port: shared.port,
          interfaces,
          onHint: (hint) => void hints.follow(hint),
        })
        // Who connected while it started.
        for (const { peer } of membership.members()) {
          const live = connector.current(peer)
          if (live !== undefined) discovery.connected(live.bootId)
        }
        return discovery
      },
      async (part) => {
        hints.close()
        await part.close()
      },
    )
  }

  return new Peer({
    id: identity.id,
    name,
    network: network.name,
    port: shared.port,
    listeningAt,
    addresses: () => own.addresses(),
    counters: () => ({
      ...prefixed('datagrams', endpoint.counters),
      ...prefixed('accepted', acceptor.counters),
      ...prefixed('messaging', messaging.counters),
      ...prefixed('hints', hints.counters),
    }),
    phases,
    book,
    directory,
    messaging,
    endpoint,
    services,
    discovery: () => discovery,
    pins,
    events,
  })
}

function* idsOf(book: PeerBook): Iterable<PeerId> {
  for (const { id } of book.entries()) yield id
}

function interfacesOf(options: PeerOptions): NetworkInterface[] {
  return usableInterfaces(networkInterfaces(), options.interfaces ?? {}).filter(({ family }) => family === 4)
}

/** Without rules every interface, those to come included; with rules exactly the allowed ones. */
function hostsToBind(options: PeerOptions, interfaces: readonly NetworkInterface[]): string[] {
  if (interfaces.length === 0) {
    const rules = JSON.stringify(options.interfaces ?? {})
    throw new PeerError(
      'NO_INTERFACE',
      `Expected a network interface with an IPv4 address, found none that the rules ${rules} allow.`,
    )
  }
  const { allow = [], deny = [] } = options.interfaces ?? {}
  const restricted = allow.length + deny.length > 0 || interfaces.every(({ internal }) => internal)
  return restricted ? interfaces.map(({ address }) => address) : ['0.0.0.0']
}

function prefixed(prefix: string, counters: object): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).map(([name, value]) => [`${prefix}.${name}`, Number(value)]))
}
