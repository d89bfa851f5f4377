/** Peers that are apart and come together: over two segments, after a partition, after a restart that nobody noticed. */
import { createIdentity } from '@pc/identity'
import { createPeer, type Peer } from '@pc/peer'
import { notOnline } from '../everybody.js'
import type { Lab } from '../lab.js'
import type { Machine } from '../machine.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

/** Alone, a peer announces itself every 30 s ± 10 %; a lost announcement costs another such time. */
const FOUND_AGAIN_MS = 70_000
/** An answer to its own first announcement: at most 250 ms, and a handshake. Without answers the other side waits for 1 s. */
const FOUND_AT_ONCE_MS = 900

export const apart: Scenario = {
  kind: 'scenario',
  name: 'apart',
  summary: 'two segments, a long partition, resets and an unnoticed restart: found again in time, and no false verdict',
  options: WEATHER_OPTIONS,
  run: async (lab: Lab) => {
    await segments(lab)
    const one = lab.machine()
    const other = lab.machine()
    lab.network.partition(one.host, other.host)
    await Promise.all([one.start(), other.start()])
    // Longer than any first search.
    await lab.sleep(60_000)
    lab.network.heal()
    const together = (): boolean => notOnline(lab).length === 0
    const why = (): string => notOnline(lab).join(', ')
    lab.figure(
      'found_after_partition_ms',
      await lab.until('they find each other after a long partition', together, FOUND_AGAIN_MS, why),
    )

    const before = lab.recorder.history.presence.length
    for (let round = 0; round < 5; round++) {
      lab.network.resetStreams(one.host, other.host)
      await lab.until('they are online again after a reset', together, 5_000, why)
      await lab.sleep(1_000)
    }
    const offline = lab.recorder.history.presence.slice(before).filter(({ kind }) => kind === 'offline')
    const names = offline.map(({ by, about }) => `${by} about ${about}`).join(', ')
    lab.check('a broken connection is no verdict about a peer that is there', offline.length === 0, names)

    await crossing(lab, one, other)

    other.powerOff()
    await lab.sleep(200)
    await other.start()
    const back = (): boolean => other.ready?.stateOf(one.id) === 'online'
    lab.figure(
      'back_after_restart_ms',
      await lab.until('a peer that was restarted at once is taken back at once', back, 3_000),
    )
    const asked = await other.ready?.request(one)
    lab.check('it is served', asked?.outcome === 'done', JSON.stringify(asked?.outcome))
    await lab.until('both are online', together, 20_000, why)
    for (const { name, life } of lab.machines) {
      const self = life?.peer.status().counters['hints.SELF_DIALLED'] ?? 0
      lab.check('nobody takes itself for another', self === 0, `${name} dialled itself ${self} times`)
    }
  },
}

/**
 * Both sides call at the moment when their connection is gone, so that their dials cross. What was called before may be lost, and is told
 * to be; what is called after has no reason to fail.
 */
async function crossing(lab: Lab, one: Machine, other: Machine): Promise<void> {
  const random = lab.random.stream('crossing')
  for (let round = 0; round < 30; round++) {
    for (let call = 0; call < 10; call++) void one.ready?.send(other)
    await lab.sleep(random.float() * 2)
    lab.network.resetStreams(one.host, other.host)
    const gone = (): boolean => [one, other].every(({ life }) => life?.open.streams === 0)
    // Now and then they are connected again before both have seen the end.
    for (let turn = 0; turn < 100 && !gone(); turn++) await lab.sleep(0.1)
    if (!gone()) continue
    const calls = [one, other].flatMap((from) =>
      Array.from({ length: 5 }, async () => {
        await lab.sleep(random.float())
        return from.ready?.send(from === one ? other : one)
      }),
    )
    for (const attempt of await Promise.all(calls)) {
      lab.check('dials that cross lose nothing', attempt?.outcome === 'done', JSON.stringify(attempt))
    }
    await lab.sleep(random.float() * 3_000)
  }
}

/** A peer with two interfaces finds at once whom it starts beside, on each of them. */
async function segments(lab: Lab): Promise<void> {
  const left = await standing(lab, 'left', [{ address: '10.201.0.1', segment: 'left' }])
  const right = await standing(lab, 'right', [{ address: '10.202.0.1', segment: 'right' }])
  // Their first search is over: now only the newcomer's announcements tell.
  await lab.sleep(40_000)
  const middle = await standing(lab, 'middle', [
    { address: '10.201.0.2', segment: 'left' },
    { address: '10.202.0.2', segment: 'right' },
  ])
  const online = (): number => middle.peers().filter(({ state }) => state === 'online').length
  await lab.until(
    'a newcomer is found on each of its interfaces',
    () => online() === 2,
    FOUND_AT_ONCE_MS,
    () => `on ${online()} of 2`,
  )
  await Promise.all([left.close(), right.close(), middle.close()])
}

/** A peer on a machine of its own, outside of the recorder's book. */
async function standing(
  lab: Lab,
  name: string,
  interfaces: readonly { address: string; segment: string }[],
): Promise<Peer> {
  const random = lab.random.stream(`standing ${name}`)
  const identity = createIdentity(random.stream('key').bytes(32))
  const host = lab.network.host({ id: identity.id, interfaces: [...interfaces] })
  return createPeer({ identity, name, protocol: host, clock: host.clock, random })
}
