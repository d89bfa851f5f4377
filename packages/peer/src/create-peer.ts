/**
 * `createPeer()`: makes every part, starts them in a fixed order, and stops them in reverse.
 *
 *     identity → connections → membership → messaging → gossip → listen → discovery → directory
 *
 * Whatever takes frames stands before the first stream can come in.
 */
import { networkInterfaces } from 'node:os'
import { Discovery } from '@pc/discovery'
import { ConnectionDispatcher, Feed, RequestsEndpoint } from '@pc/dispatch'
import { type Identity, openIdentity, openNetwork, type PeerId, signPeerRecord } from '@pc/identity'
import { Membership } from '@pc/membership'
import { Messaging } from '@pc/messaging'
import {
  Acceptor,
  type Address,
  Connector,
  inSubnet,
  listenOnSharedPort,
  type NetworkInterface,
  PeerBook,
  scopedHost,
  silentLogger,
  systemClock,
  systemProtocol,
  systemRandom,
  usableInterfaces,
} from '@pc/transport'
import { dialOnlyThrough } from './allowed-dials.js'
import { DhtService } from './dht-service.js'
import { Directory } from './directory.js'
import { PeerError } from './errors.js'
import { watchPeers } from './events.js'
import { GossipService } from './gossip-service.js'
import { HintFollower } from './hints.js'
import { KnownIds } from './known-ids.js'
import { knownIn, type LoggedIds, peerLogger } from './log-ids.js'
import { MembershipService } from './membership-service.js'
import { NamePins } from './names.js'
import { checkOptions, DEFAULT_NETWORK, given, type PeerOptions } from './options.js'
import { byReach, OwnRecord } from './own-record.js'
import { Peer, type PeerEvent } from './peer.js'
import { type PhaseReport, Phases } from './phases.js'

const PHASES = ['identity', 'connections', 'membership', 'messaging', 'gossip', 'listen', 'discovery', 'directory']
const BOOT_ID_BYTES = 8
/** Limits of the directory for peers that all have one address: against one machine that would fill a table they help nobody there. */
const ONE_HOST = { table: { perAddress: 4_096, perAddressInBucket: 20 }, lookups: { perAddress: 1_000 } }
/** In the place of all addresses of a family, those to come included. */
const EVERYWHERE = { 4: '0.0.0.0', 6: '::' } as const

/**
 * Starts a peer. Resolves when others can reach it, while discovery starts behind; the caller closes it.
 * @throws PeerError BAD_OPTIONS, NO_INTERFACE, START_FAILED (with phase and cause); the reason of `options.signal`
 */
export async function createPeer(options: PeerOptions): Promise<Peer> {
  checkOptions(options)
  const events = new Feed<PeerEvent>()
  const { clock = systemClock, signal } = options
  const ids: LoggedIds = { book: new PeerBook(), own: undefined }
  const logger = peerLogger(options, knownIn(ids))
  const onPhase = (phase: PhaseReport): void => {
    // The failure of a blocking phase is thrown; nobody else would tell of the others.
    if (phase.state === 'failed' && !phase.blocking) logger.warn({ ...phase }, 'a start phase failed')
    events.publish({ type: 'phase', phase })
  }
  const phases = new Phases(clock, PHASES, onPhase, signal)
  try {
    return await start({ ...options, logger }, phases, events, ids)
  } catch (error) {
    await phases.stop({ signal: AbortSignal.abort(error) })
    events.close()
    throw error
  }
}

async function start(options: PeerOptions, phases: Phases, events: Feed<PeerEvent>, ids: LoggedIds): Promise<Peer> {
  const { clock = systemClock, random = systemRandom, logger = silentLogger, signal } = options
  const { authorize = ({ access }) => access === 'anyone', capabilities = [] } = options
  const ports = { clock, random, logger }
  const network = openNetwork(options.network ?? DEFAULT_NETWORK, { secret: options.networkSecret })
  const bootId = random.bytes(BOOT_ID_BYTES)
  const { book } = ids
  // Where this peer listens; an address that appears later is announced only if it is listened on.
  let hosts: ReadonlySet<string> = new Set(Object.values(EVERYWHERE))
  const interfaces = (): NetworkInterface[] =>
    interfacesOf(options).filter((one) => hosts.has(EVERYWHERE[one.family]) || hosts.has(scopedHost(one)))

  const identity = await phases.run('identity', async () => {
    const opened = typeof options.identity === 'string' ? await openIdentity(options.identity) : options.identity
    // What does not fit into a record fails here, and not at the first connection.
    signPeerRecord(opened, { sequence: 1, name: nameOf(options, opened), addresses: [], capabilities })
    return opened
  })
  ids.own = identity.id
  const name = nameOf(options, identity)
  const handshakes = given({ maxHandshakesPerAddress: options.connections?.perAddress })
  const anywhere = options.protocol ?? systemProtocol(identity, { ...ports, network, ...handshakes })
  const protocol = isRestricted(options, interfaces()) ? dialOnlyThrough(anywhere, interfaces) : anywhere
  const own = new OwnRecord({ identity, name, capabilities, interfaces, clock })

  const connector = await phases.run(
    'connections',
    () =>
      Connector.create({
        ...ports,
        ...given({ limits: options.connections, bandwidth: options.bandwidth }),
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

  const mayReach = (address: Address): boolean =>
    protocol === anywhere || interfaces().some((one) => inSubnet(address.host, one))
  const members = new MembershipService({ book, mayReach, logger, onMet: ({ id, name }) => claim(id, name) })
  const membership = await phases.run(
    'membership',
    () => Membership.create({ ...ports, ...options.membership, connector, identity, transport: members.transport }),
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
  const claim = watchPeers({ directory, membership, connector, pins, events, logger })

  const knownIds = new KnownIds()
  const endpoint = RequestsEndpoint.create({
    ...ports,
    ...given({ limits: options.datagrams, exchange: options.keyExchange?.(identity, network) }),
    known: (bytes) => knownIds.peek(bytes),
    identity,
    network,
    bootId,
    authorize,
    interfaces,
    record: () => own.record(),
    onSession: ({ id, address }) => {
      dht?.met(id, address)
      members.met(id, address)
    },
    onHeard: (id) => members.heard(id),
  })
  members.start(membership, endpoint)
  const dht =
    options.dht === false
      ? undefined
      : new DhtService({
          ...ports,
          identity,
          endpoint,
          record: () => own.record(),
          book,
          ids: knownIds,
          membership,
          mayReach,
          known: options.knownContacts ?? [],
          settings: { ...(interfaces().every(({ internal }) => internal) && ONE_HOST), ...options.dht },
        })
  const { gossip: settings = {} } = options
  const gossip =
    settings === false
      ? undefined
      : await phases.run(
          'gossip',
          () =>
            new GossipService({
              ...ports,
              identity,
              endpoint,
              messaging,
              services,
              connector,
              membership,
              book,
              record: () => own.record(),
              mayReach,
              settings,
            }),
          (part) => part.close(),
        )
  const acceptor = new Acceptor({ connector, clock, logger, ...given({ limits: options.connections }) })
  const shared = await phases.run(
    'listen',
    async () => {
      const wanted = hostsToBind(options, interfaces())
      // A machine whose IPv6 does not work is reached by IPv4.
      const optionalHosts = new Set(wanted.filter((host) => host.includes(':')))
      const part = await listenOnSharedPort(
        protocol,
        wanted,
        {
          admit: acceptor.admit,
          onStream: acceptor.accept,
          onDatagram: (bytes, from, via) => endpoint.receive(bytes, from, via),
        },
        { optionalHosts, ...given({ ports: options.ports, signal }) },
      )
      own.port = part.port
      hosts = new Set(part.sockets.map(({ address }) => address.host))
      const leftOut = wanted.filter((host) => !hosts.has(host))
      if (leftOut.length > 0) logger.warn({ hosts: leftOut }, 'cannot listen at some addresses')
      return part
    },
    async (part, stop) => {
      acceptor.close()
      // While datagrams still go out; connections say goodbye by themselves.
      if (!stop.signal?.aborted) await membership.leave()
      members.close()
      await endpoint.close(stop)
      await part.close()
    },
  )
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

  if (dht !== undefined) {
    // Nobody may be there yet: it is up when it answers, and joins when somebody is met.
    phases.runBehind(
      'directory',
      () => dht.start(),
      (_, stop) => dht.close(stop),
    )
  }

  return new Peer({
    identity,
    name,
    network: network.name,
    port: shared.port,
    listeningAt,
    addresses: () => own.addresses(),
    counters: () => ({
      ...prefixed('datagrams', endpoint.counters),
      ...prefixed('sessions', endpoint.size),
      ...prefixed('accepted', acceptor.counters),
      ...prefixed('messaging', messaging.counters),
      ...prefixed('hints', hints.counters),
      ...prefixed('membership', membership.status()),
      ...prefixed('directory', dht?.kademlia.status() ?? {}),
      ...prefixed('gossip', gossip?.status() ?? {}),
    }),
    phases,
    book,
    directory,
    messaging,
    membership,
    members,
    endpoint,
    mayReach,
    services,
    connector,
    discovery: () => discovery,
    dht,
    gossip,
    pins,
    events,
  })
}

function nameOf(options: PeerOptions, identity: Identity): string {
  return options.name ?? identity.id.short
}

function* idsOf(book: PeerBook): Iterable<PeerId> {
  for (const { id } of book.entries()) yield id
}

function listed(options: PeerOptions): ReturnType<typeof networkInterfaces> {
  return options.protocol?.interfaces?.() ?? networkInterfaces()
}

/** Best first, see {@link byReach}. */
function interfacesOf(options: PeerOptions): NetworkInterface[] {
  return byReach(usableInterfaces(listed(options), options.interfaces ?? {}, process.platform))
}

/** Without rules every interface, those to come included; with rules exactly the allowed ones. */
function hostsToBind(options: PeerOptions, interfaces: readonly NetworkInterface[]): string[] {
  if (interfaces.length === 0) {
    const rules = JSON.stringify(options.interfaces ?? {})
    throw new PeerError(
      'NO_INTERFACE',
      `Expected a network interface with an IP address, found none that the rules ${rules} allow.`,
    )
  }
  if (isRestricted(options, interfaces)) return interfaces.map(scopedHost)
  // Where there is no IPv6, not even loopback has it.
  const addresses = Object.values(listed(options)).flatMap((one = []) => one)
  return addresses.some(({ family }) => family === 'IPv6') ? [EVERYWHERE[4], EVERYWHERE[6]] : [EVERYWHERE[4]]
}

/** Whether rules, or the want of a network, keep this peer from using every interface. */
function isRestricted(options: PeerOptions, interfaces: readonly NetworkInterface[]): boolean {
  const { allow = [], deny = [] } = options.interfaces ?? {}
  return allow.length + deny.length > 0 || interfaces.every(({ internal }) => internal)
}

function prefixed(prefix: string, counters: object): Record<string, number> {
  return Object.fromEntries(Object.entries(counters).map(([name, value]) => [`${prefix}.${name}`, Number(value)]))
}
