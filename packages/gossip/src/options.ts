import { GossipError } from './errors.js'

export interface GossipLimits {
  /** Peers that a rumor is pushed to. More: quicker under loss, and as many more payloads. @default 3 */
  fanOut?: number
  /** Peers that pushes and digests go to at a time, about: half of them picked by this peer, the others by themselves. Fewer: fewer sessions; below about 12 reach suffers. @default 16 */
  neighbours?: number
  /** After so many ms, give or take a half, one neighbour is replaced. @default 30000 */
  rotateMs?: number
  /** In a network of at most so many peers, this one counted, the publisher sends to everybody, but for large bodies. @default 32 */
  smallNetwork?: number
  /** Rumors of one origin that are taken in a second, of those that are fresh; three times as many at once, of which its publisher uses two. @default 10 */
  originPerSecond?: number
  /** Rumors that one neighbour may send in a second without being asked; twice as many at once. @default 50 */
  neighbourPerSecond?: number
  /** Bytes that one neighbour may send in a second; twice as many at once. @default 131072 */
  neighbourBytesPerSecond?: number
  /** Bytes of rumors kept for repair while they are news; the one received first goes. @default 4 MiB */
  cacheBytes?: number
  /** Bytes of large bodies kept for others; the one received first goes. @default 16 MiB */
  bodyBytes?: number
  /** The greatest body that is published or fetched. @default 1 MiB */
  maxBody?: number
  /** Live peers that are known. @default 10000 */
  maxPeers?: number
}

const MIB = 1_048_576

export const DEFAULT_LIMITS: Required<GossipLimits> = {
  fanOut: 3, // a push reaches 94 % (Demers et al. 1987: s = e^(-f(1-s))); digests the rest
  neighbours: 16, // with 30 % of all gone at a time, 0.3^8 of those left have nobody whom they picked, and hardly any of these nobody who picked them
  rotateMs: 30_000,
  smallNetwork: 32, // there each two speak every 8 s by membership's probes; a session in which one side is silent for 10 s is asked after, by a handshake
  originPerSecond: 10,
  neighbourPerSecond: 50,
  neighbourBytesPerSecond: 131_072,
  cacheBytes: 4 * MIB,
  bodyBytes: 16 * MIB,
  maxBody: MIB,
  maxPeers: 10_000,
}

/** Fills in the defaults. @throws GossipError BAD_OPTION */
export function resolveLimits(limits: GossipLimits): Required<GossipLimits> {
  const resolved = { ...DEFAULT_LIMITS }
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof GossipLimits)[]) {
    const value = limits[name] ?? DEFAULT_LIMITS[name]
    const least = name === 'smallNetwork' ? 0 : 1
    if (!Number.isFinite(value) || value < least) {
      throw new GossipError('BAD_OPTION', `${name} must be a number of at least ${least}, got ${value}`)
    }
    resolved[name] = value
  }
  return resolved
}
