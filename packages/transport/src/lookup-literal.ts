import { isIP } from 'node:net'

type Found = (error: NodeJS.ErrnoException | null, address: string, family: number) => void

/**
 * Stands where sockets would resolve names: answers IP literals with themselves and refuses everything else, so that no address
 * that came from the network can cause a DNS query.
 */
export function lookupLiteral(host: string, _options: unknown, found: Found): void {
  const family = isIP(host)
  const refusal = family === 0 ? Object.assign(new Error(`${host} is no IP literal`), { code: 'ENOTFOUND' }) : null
  found(refusal, host, family)
}
