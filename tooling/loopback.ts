import { networkInterfaces } from 'node:os'

/** This machine's loopback interface, by its name in PC_INTERFACES: `lo` on Linux, `lo0` on macOS, a long one on Windows. */
export const LOOPBACK: string =
  Object.entries(networkInterfaces()).find(([, addresses = []]) => addresses.some(({ internal }) => internal))?.[0] ??
  'lo'
