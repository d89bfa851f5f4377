import type { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import { expect, test } from 'vitest'
import { createCertificate, createIdentity, peerIdOfCertificate, type TlsCredentials } from '../src/index.js'

const anna = createIdentity(new Uint8Array(32).fill(1))
const ben = createIdentity(new Uint8Array(32).fill(2))

test('both sides of a TLS 1.3 connection learn who the other is', async () => {
  const { dialler, acceptor } = await handshake(createCertificate(ben), createCertificate(anna))
  expect(peerIdOfCertificate(acceptor).equals(ben.id)).toBe(true)
  expect(peerIdOfCertificate(dialler).equals(anna.id)).toBe(true)
})

test('a second certificate that looks like the issuer of the first is refused on both sides', async () => {
  const [own, other] = [createCertificate(anna), createCertificate(ben)]
  const chain = { ...own, cert: own.cert + other.cert }
  const { dialler, acceptor } = await handshake(chain, chain)
  const refusal = expect.objectContaining({ code: 'BAD_CERTIFICATE', message: expect.stringContaining('chain') })
  expect(() => peerIdOfCertificate(acceptor)).toThrow(refusal)
  expect(() => peerIdOfCertificate(dialler)).toThrow(refusal)
})

/** What each side presented. */
async function handshake(
  acceptorOptions: TlsCredentials,
  diallerOptions: TlsCredentials,
): Promise<{ acceptor: X509Certificate; dialler: X509Certificate }> {
  const options = { minVersion: 'TLSv1.3', rejectUnauthorized: false } as const
  const server = createServer({ ...options, ...acceptorOptions, requestCert: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'secureConnection')
  const socket = connect({
    ...options,
    ...diallerOptions,
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
  })
  await once(socket, 'secureConnect')
  const [remote] = await accepted
  const seen = { acceptor: socket.getPeerX509Certificate(), dialler: remote.getPeerX509Certificate() }
  socket.destroy()
  remote.destroy()
  server.close()
  await once(server, 'close')
  if (seen.acceptor === undefined || seen.dialler === undefined) throw new Error('a side presented no certificate')
  return { acceptor: seen.acceptor, dialler: seen.dialler }
}
