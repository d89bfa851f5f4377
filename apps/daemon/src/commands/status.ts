/** `status`, `id`, `version`: what this daemon is and how it is doing. */
import { type AnyCommand, CONTROL_PROTOCOL, type Command, noArguments } from '@pc/control'
import type { Peer } from '@pc/peer'
import type { Value } from '@pc/wire'
import { VERSION } from '../version.js'
import type { CommandDependencies } from './dependencies.js'

export function statusCommands({ peer, startedAt }: CommandDependencies): readonly AnyCommand[] {
  const status: Command<undefined, Value> = {
    name: 'status',
    summary: 'Name, id, addresses, start phases and peers of this daemon.',
    parse: noArguments,
    run: async () => statusView(await peer, startedAt),
  }
  const id: Command<undefined, Value> = {
    name: 'id',
    summary: 'Name and id of this peer.',
    parse: noArguments,
    run: async () => idView(await peer),
  }
  const version: Command<undefined, Value> = {
    name: 'version',
    summary: 'Versions of the daemon and of the local protocol.',
    parse: noArguments,
    run: () => Promise.resolve({ version: VERSION, protocol: CONTROL_PROTOCOL }),
  }
  return [status, id, version]
}

function statusView(peer: Peer, startedAt: number): Value {
  const status = peer.status()
  const peers = peer.peers()
  const online = peers.filter(({ state }) => state === 'online').length
  return {
    ...idView(peer),
    network: peer.network,
    version: VERSION,
    pid: process.pid,
    startedAt,
    uptimeMs: Date.now() - startedAt,
    listeningAt: status.listeningAt,
    port: status.port,
    addresses: [...status.addresses],
    discovery: status.discovery?.state ?? null,
    interfaces: (status.discovery?.interfaces ?? []).map(({ name, address, sent, heard, error }) => ({
      name,
      address,
      sent,
      heard,
      error: error ?? null,
    })),
    phases: status.phases.map(({ name, state, blocking, ms, error }) => ({
      name,
      state,
      blocking,
      ms: ms ?? null,
      error: error ?? null,
    })),
    peers: { online, offline: peers.length - online },
    inbox: { size: peer.inbox.size },
    directory: status.directory === undefined ? null : { ...status.directory },
    gossip: status.gossip === undefined ? null : { ...status.gossip },
    counters: { ...status.counters },
  }
}

function idView(peer: Peer): { [key: string]: Value } {
  return { name: peer.name, id: peer.id.toString(), shortId: peer.id.short }
}
