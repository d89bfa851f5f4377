import { type AnnouncementBody, Discovery, type Hint, packAnnouncement, readAnnouncement } from '@pc/discovery'
import { RequestsEndpoint } from '@pc/dispatch'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import { MemoryNetwork } from '@pc/transport'
import { DATAGRAM_LIMITS, decodeValue, encodeValue, packMacDatagram, RootCode, WireError } from '@pc/wire'
import { msgpack } from '../mutate/shape.js'
import { nothing, type Target } from '../target.js'
import { NETWORK } from './seeds.js'
import { turns } from './streams.js'
import { ANNA, BEN } from './transport.js'
import { macDatagram, macDatagrams } from './wire.js'

const BODIES: readonly AnnouncementBody[] = [true, false].map((wantsAnswers) => ({
  wantsAnswers,
  blindedId: NETWORK.blind(BEN.id, 5),
  epoch: 5,
  port: 3485,
  estimate: 3,
  nonce: new Uint8Array(8).fill(3),
}))

const announcement: Target = {
  name: 'discovery/readAnnouncement',
  about: 'the body of an announcement',
  covers: ['@pc/discovery readAnnouncement'],
  shape: msgpack(),
  seeds: () => BODIES.map((body) => encodeValue(packAnnouncement(body))),
  allows: (error) => error instanceof WireError,
  open: () => ({
    handle: (input) => readAnnouncement(decodeValue(input, DATAGRAM_LIMITS)),
    verify(input, result) {
      if (result === undefined) return undefined
      const read = result as AnnouncementBody
      const again = readAnnouncement(packAnnouncement(read))
      if (again === undefined || again.port !== read.port || again.epoch !== read.epoch)
        return 'written and read again it is another'
      return read.nonce.buffer === input.buffer ? 'it keeps a view of the datagram' : undefined
    },
    alive: () =>
      BODIES.every((body) => readAnnouncement(packAnnouncement(body))?.port === 3485)
        ? undefined
        : 'a valid one is not read',
  }),
}

const HOST = '10.0.0.1'

const discovery: Target = {
  name: 'discovery/Discovery',
  about: 'announcements and answers through the endpoint, with the timers that follow',
  covers: ['@pc/discovery Discovery', '@pc/discovery DiscoveryState'],
  shape: macDatagram,
  seeds: () => macDatagrams(BODIES.map(packAnnouncement)),
  allows: nothing,
  async open() {
    const clock = new VirtualClock()
    const protocol = new MemoryNetwork().protocol(ANNA.id, HOST)
    const bootId = new Uint8Array(8).fill(1)
    const endpoint = RequestsEndpoint.create({ identity: ANNA, network: NETWORK, bootId, clock })
    const socket = await protocol.bind({ host: HOST, port: 3485 }, () => {})
    endpoint.attach(socket)
    const hints: Hint[] = []
    const made = await Discovery.create({
      protocol,
      endpoint,
      network: NETWORK,
      id: ANNA.id,
      bootId,
      port: 3485,
      interfaces: () => [{ name: 'eth0', address: HOST, family: 4, netmask: '255.255.255.0', internal: false }],
      onHint: (hint) => hints.push(hint),
      clock,
      random: new SeededRandom('fuzz'),
    })
    let honest = 0
    return {
      prepare: () => clock.advance(60),
      handle: (input) => endpoint.receive(input, { host: '10.0.0.7', port: 3485 }),
      verify: () => (endpoint.counters.handlerFailed === 0 ? undefined : 'the handler of announcements threw'),
      async alive() {
        // Another boot each time: of one boot hints are rare on purpose.
        const boot = Buffer.alloc(8, 7)
        boot.writeUInt32BE(++honest)
        const before = made.status().known
        const body = encodeValue(packAnnouncement(BODIES[0] as AnnouncementBody))
        const fields = { rootCode: RootCode.DISCOVERY, keyId: NETWORK.keyId, sentAt: 1, bootId: boot, body }
        endpoint.receive(
          packMacDatagram(fields, (bytes) => NETWORK.mac(bytes)),
          { host: '10.0.0.8', port: 3485 },
        )
        return made.status().known === before + 1 || before >= 4_096
          ? undefined
          : 'an honest announcement is not noticed'
      },
      async close() {
        await clock.advance(5_000)
        await made.close()
        await endpoint.close()
        await socket.close()
        await turns(1)
      },
    }
  },
}

export const discoveryTargets: readonly Target[] = [announcement, discovery]
