/** How many connections a peer keeps. The defaults suit one peer per machine; tests raise `perAddress`. */
export interface ConnectionLimits {
  /** Accepted connections. When full, the next is told BUSY and ended. @default 512 */
  inbound: number
  /** Dialled connections, those being dialled included. When full, `control`, `meet` and `openBulk` reject with RESOURCE_BUSY. @default 512 */
  outbound: number
  /** Accepted connections from one IP address. When full, the next is cut without a word. @default 16 */
  perAddress: number
  /** Accepted connections whose HELLO has not come. When full, the next is cut without a word. @default 64 */
  halfOpen: number
  /** Bulk connections with one peer, both ways together. When full, `openBulk` rejects with RESOURCE_BUSY; the peer is told BUSY. @default 5 */
  bulkPerPeer: number
}

export const DEFAULT_LIMITS: Readonly<ConnectionLimits> = {
  inbound: 512,
  outbound: 512,
  perAddress: 16,
  halfOpen: 64,
  bulkPerPeer: 5,
}
