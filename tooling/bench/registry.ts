/** Every benchmark by its name. To add one: a file in benchmarks/, and a line here. */
import type { Benchmark } from './benchmark.js'

/** Loaded one by one: a process that runs one benchmark does not carry what others need. */
export const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  wire: async () => (await import('./benchmarks/wire.js')).wire,
  streams: async () => (await import('./benchmarks/streams.js')).streams,
  connect: async () => (await import('./benchmarks/connect.js')).connect,
  parked: async () => (await import('./benchmarks/parked.js')).parked,
  priority: async () => (await import('./benchmarks/priority.js')).priority,
  messages: async () => (await import('./benchmarks/messages.js')).messages,
  udp: async () => (await import('./benchmarks/udp.js')).udp,
  kad: async () => (await import('./benchmarks/kad.js')).kad,
  gossip: async () => (await import('./benchmarks/gossip.js')).gossip,
  store: async () => (await import('./benchmarks/store.js')).store,
}
