/** How many connections a peer keeps. The defaults suit one peer per machine; tests raise `perAddress` and `acceptBurst`. */
export interface ConnectionLimits {
  /** Accepted connections. When full, the next is told BUSY and ended. @default 512 */
  inbound: number
  /** Dialled connections, those being dialled included. When full, `control`, `meet` and `openBulk` reject with RESOURCE_BUSY. @default 512 */
  outbound: number
  /** Accepted connections from one IP address. When full, the next is cut without a word. @default 16 */
  perAddress: number
  /** Accepted connections whose HELLO has not come. When full, the next is cut without a word. @default 64 */
  halfOpen: number
  /**
   * Connections from one IP address per second, in the long run. Those beyond are cut before their handshake, by whatever listens with
   * `Acceptor.admit`. @default 20
   */
  acceptPerSecond: number
  /** The same at one moment, after silence; raise it where many peers share a machine. @default 40 */
  acceptBurst: number
  /** Bulk connections with one peer, both ways together. When full, `leaseBulk` waits in line and `openBulk` rejects with RESOURCE_BUSY; the peer is told BUSY. @default 5 */
  bulkPerPeer: number
  /** Bytes that wait to be sent over all connections together. When full, `send` rejects with SEND_QUEUE_FULL where something waits already. @default 67108864 */
  queuedBytes: number
}

export const DEFAULT_LIMITS: Readonly<ConnectionLimits> = {
  inbound: 512,
  outbound: 512,
  perAddress: 16,
  halfOpen: 64,
  acceptPerSecond: 20,
  acceptBurst: 40,
  bulkPerPeer: 5,
  queuedBytes: 67_108_864,
}
