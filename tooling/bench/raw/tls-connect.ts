/**
 * The raw baseline for making and for holding authenticated connections: `node:tls` 1.3 alone, both sides with an Ed25519 certificate. A
 * connection is usable once one byte has gone there and come back. Nothing but TLS is checked, nothing but that byte is said.
 *
 * What takes time without need is left out: contexts are made once, one listener does both TCP and TLS, no name is looked up or
 * sent, and no session is sealed into a ticket, as none is resumed.
 *
 * This file is fixed: every ratio that was ever quoted is against it. See the test beside it before you change anything.
 */

import { constants } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createSecureContext, createServer, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { createCertificate, createIdentity } from '@pc/identity'
import { endConnections, type HeldConnections, holdConnections, makeConnections } from '../connection-load.js'
import { residentBytes } from '../resident.js'
import type { Far, Near } from '../side.js'

const HOST = '127.0.0.1'

/** What a byte asks for. */
const ECHO = 0 // itself
const RESIDENT = 1 // the far end's resident memory in bytes, as a double

export const far: Far = async () => {
  const server = createServer({ ...tlsOptions(), noDelay: true, requestCert: true, rejectUnauthorized: false })
  server.on('secureConnection', (socket) => {
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      if (chunk[0] === ECHO) {
        socket.write(chunk)
      } else {
        const answer = Buffer.alloc(8)
        answer.writeDoubleBE(residentBytes())
        socket.write(answer)
      }
    })
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  return { hello: (server.address() as AddressInfo).port, close: () => void server.close() }
}

export const near: Near = async ({ hello, connections }) => {
  const port = hello as number
  const secureContext = createSecureContext(tlsOptions())
  const echo = Buffer.of(ECHO)

  function open(): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const options = { host: HOST, port, secureContext, servername: '', rejectUnauthorized: false }
      const socket = connect(options, () => socket.write(echo))
      socket.setNoDelay(true)
      socket.on('error', reject)
      socket.once('close', () => reject(new Error('a connection ended before its byte came back')))
      socket.once('data', () => resolve(socket))
    })
  }

  function end(socket: TLSSocket): Promise<void> {
    return new Promise((resolve) => {
      socket.once('close', () => resolve())
      socket.end()
    })
  }

  const control = await open()
  const all: HeldConnections<TLSSocket> = {
    open,
    end,
    async resident() {
      const answered = once(control, 'data') as Promise<[Buffer]>
      control.write(Buffer.of(RESIDENT))
      return (await answered)[0].readDoubleBE()
    },
  }

  return {
    measures: {
      connect: async ({ ms }) => ({ connect_per_s: (await makeConnections(all, ms)).perSecond }),
      async hold({ progress }) {
        const { held, kibEach } = await holdConnections(all, connections, progress)
        await endConnections(all, held, progress)
        return { kib_each: kibEach }
      },
    },
    close: () => void control.destroy(),
  }
}

function tlsOptions(): SecureContextOptions {
  return {
    ...createCertificate(createIdentity()),
    minVersion: 'TLSv1.3',
    ecdhCurve: 'X25519',
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}
