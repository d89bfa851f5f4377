/** Somebody else's name, and somebody else's place: a second key uses a name, and a stranger announces a known id. */
import { type Network, openNetwork, type PeerId } from '@pc/identity'
import type { SimulatedHost } from '@pc/testkit'
import { addressOf } from '../addresses.js'
import { notOnline } from '../everybody.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { announcement, GROUP, multicaster, NETWORK_NAME } from '../stranger.js'
import { WEATHER_OPTIONS } from '../weather.js'

export const names: Scenario = {
  kind: 'scenario',
  name: 'names',
  summary: 'a second key uses a pinned name, and a stranger announces a known id: neither is taken for the first',
  options: WEATHER_OPTIONS,
  run: async (lab: Lab) => {
    const eve = await lab.peer({ name: 'eve' })
    const sam = await lab.peer({ name: 'sam' })
    await lab.until('they meet', () => notOnline(lab).length === 0, 60_000)
    const events = eve.life?.peer.events()
    const told = new Set<string>()
    void (async () => {
      for await (const event of events ?? []) told.add(event.type)
    })()

    // For people it is the same name.
    const thief = lab.machine({ name: 'Sam' })
    await thief.start()
    await lab.until('all meet', () => notOnline(lab).length === 0, 60_000)
    const found = eve.life?.peer.find('sam').id
    lab.check('a pinned name still means the key it is pinned to', found === sam.id.toString(), `it means ${found}`)
    const view = eve.life?.peer.peers().find(({ id }) => id === thief.id.toString())
    lab.check(
      'the other key is shown apart',
      view?.nameVerified === false && view.label.startsWith('Sam~'),
      `as ${view?.label}`,
    )
    lab.check('the conflict is told', told.has('name-conflict'), [...told].join(', '))
    // While it is connected nobody would dial its id at all.
    sam.powerOff()
    const gone = (): boolean => [eve, thief].every(({ life }) => life?.stateOf(sam.id) === 'offline')
    await lab.until('all see that it is gone', gone, 20_000)
    await impostor(lab, sam.id, told)
  },
}

/** Announces the id of another peer with its own address: whoever dials must leave again, and tell. */
async function impostor(lab: Lab, claimed: PeerId, told: ReadonlySet<string>): Promise<void> {
  const random = lab.random.stream('impostor')
  const network: Network = openNetwork(NETWORK_NAME)
  const { host, socket, ears } = await multicaster(lab, 'impostor', addressOf(240, 0))
  const streams = await countStreams(host)
  const epoch = random.integer(0, 1_000_000)
  const body = { wantsAnswers: true, blindedId: network.blind(claimed, epoch), epoch, port: streams.port, estimate: 0 }
  const bytes = announcement(network, { ...body, nonce: random.bytes(8) }, random.bytes(8), lab.clock.unixNow())
  await socket.send(bytes, GROUP)
  await lab.until('an impostor of a known id is noticed', () => told.has('impostor'), 10_000)
  lab.check('an impostor gets no stream', streams.taken() === 0, `it got ${streams.taken()}`)
  await Promise.all([socket.close(), ears.close(), streams.close()])
}

async function countStreams(
  host: SimulatedHost<PeerId>,
): Promise<{ port: number; taken: () => number; close: () => Promise<void> }> {
  let taken = 0
  const listener = await host.listen({ host: host.address, port: 3485 }, ({ duplex }) => {
    taken += 1
    duplex.on('error', () => {})
    duplex.destroy()
  })
  return { port: listener.address.port, taken: () => taken, close: () => listener.close() }
}
