/** Composes the peer of this machine with its local command socket. */
import { join } from 'node:path'
import { ControlError, ControlServer } from '@pc/control'
import { createPeer, type Peer } from '@pc/peer'
import { formatAddress, type InterfaceRules, parseInterfaceRules } from '@pc/transport'
import { createCommands } from './commands/index.js'
import type { Config } from './config.js'
import { type Journal, openJournal } from './journal.js'
import type { DaemonLog } from './log.js'
import { PinnedNames } from './pinned-names.js'
import { readState } from './state-file.js'
import { VERSION } from './version.js'

export interface Daemon {
  /** Name, id and addresses, for the person who started it. */
  readonly banner: string
  /** Says goodbye, drains, stops; an aborted signal cuts it short. */
  close(options?: { signal?: AbortSignal }): Promise<void>
}

/** @param stop aborted by a signal or by the `down` command; when that happens during the start, the start ends with its reason. */
export async function startDaemon(config: Config, log: DaemonLog, stop: AbortController): Promise<Daemon> {
  const closers: ((options: { signal?: AbortSignal }) => Promise<void> | void)[] = []
  const close = async (options: { signal?: AbortSignal } = {}): Promise<void> => {
    const failures: unknown[] = []
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) {
      try {
        await closer(options)
      } catch (error) {
        // A full disk must not keep the socket, and with it the process, alive.
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
  let opened = (_peer: Peer): void => {}
  let failed = (_reason: unknown): void => {}
  const peerOpened = new Promise<Peer>((resolve, reject) => {
    opened = resolve
    failed = reject
  })
  peerOpened.catch(() => {}) // for those who wait; the caller gets the error itself
  try {
    // The socket first: it is the guard that keeps a second daemon off the same state folder. Commands wait for the peer.
    const commands = createCommands({ peer: peerOpened, stop, startedAt: Date.now() })
    const server = await ControlServer.create({
      folder: config.state,
      version: VERSION,
      commands,
      logger: log.own,
      signal: stop.signal,
    })
    closers.push((options) => server.close(options))
    const journal = config.journal === '' ? undefined : openJournal(config.journal)
    if (journal !== undefined) closers.push(() => journal.close())
    const peer = await openPeer(config, log, journal, stop.signal)
    log.know(peer)
    closers.push((options) => peer.close(options))
    const pinned = new PinnedNames(peer, statePath(config), log.own)
    closers.push(() => pinned.save())
    opened(peer)
    return { banner: bannerOf(peer, config), close }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    failed(new ControlError('CANCELLED', `the daemon could not start: ${why}`, { cause: error }))
    await close()
    throw error
  }
}

async function openPeer(
  config: Config,
  log: DaemonLog,
  journal: Journal | undefined,
  signal: AbortSignal,
): Promise<Peer> {
  const { names, contacts = [], gossipBoot = 0 } = readState(statePath(config), log.own)
  const peer = await createPeer({
    identity: join(config.state, 'identity.pem'),
    name: config.name,
    network: config.network,
    ...(config.networkSecret === undefined ? {} : { networkSecret: config.networkSecret }),
    interfaces: interfaceRules(config.interfaces),
    ...(config.port === 0 ? {} : { ports: [config.port] }),
    discovery: { port: config.discoveryPort },
    knownNames: names,
    knownContacts: contacts,
    gossip: { afterBoot: gossipBoot },
    capabilities: listOf(config.capabilities),
    messaging: journal === undefined ? {} : { journal: journal.append },
    ...log.ofPeer,
    signal,
  })
  // Something for `pc request <peer> echo` to find. Until pairing exists, everybody of the network may ask.
  peer.handle('echo', { access: 'anyone' }, (input) => input)
  return peer
}

function interfaceRules(text: string): InterfaceRules {
  return text === '' ? {} : parseInterfaceRules(text)
}

function listOf(text: string): string[] {
  return text === '' ? [] : text.split(',')
}

function statePath(config: Config): string {
  return join(config.state, 'state.json')
}

function bannerOf(peer: Peer, config: Config): string {
  return [
    `name       ${peer.name}`,
    `id         ${peer.id.toString()} (${peer.id.short})`,
    `network    ${config.network}`,
    `addresses  ${peer.addresses().map(formatAddress).join('  ')}`,
    `state      ${config.state}`,
  ].join('\n')
}
