import type { X509Certificate } from 'node:crypto'
import { type PeerId, peerIdOfCertificate } from '@pc/identity'

/** As many peers as are connected at once, in both directions. A certificate has about 250 bytes. */
const REMEMBERED = 1_024

/**
 * Reads certificates, and remembers the last ones: a peer shows the same one at every connection, and to check again that it is signed with
 * its own key would cost as much as the handshake's own signature. Who shows it is proved by the handshake alone, each time.
 */
export class KnownCertificates {
  /** By all bytes of the certificate; the oldest first. */
  readonly #ids = new Map<string, PeerId>()

  /** @throws IdentityError BAD_CERTIFICATE */
  idOf(certificate: X509Certificate): PeerId {
    const key = certificate.raw.toString('latin1')
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    const id = peerIdOfCertificate(certificate)
    if (this.#ids.size >= REMEMBERED) {
      const [oldest] = this.#ids.keys()
      if (oldest !== undefined) this.#ids.delete(oldest)
    }
    this.#ids.set(key, id)
    return id
  }
}
