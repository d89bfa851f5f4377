/** Whoever keeps to the rules is served, whatever others do meanwhile. */
import type { Lab } from '../../lab.js'
import type { Station } from '../../station.js'

const PAUSE_MS = 100

/** One request after the other until that moment (virtual ms); each must be answered. */
export async function keepAsking(lab: Lab, from: Station, to: Station, until: number): Promise<void> {
  while (lab.now() < until) {
    const { outcome } = await from.ask(to)
    lab.check('others are served meanwhile', outcome === 'done', () => `${from.name}: ${JSON.stringify(outcome)}`)
    await lab.sleep(PAUSE_MS)
  }
}
