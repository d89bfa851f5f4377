import type { Context } from './context.js'
import type { Fields } from './fields.js'

/** Peers as the lists of the network have them. */
export function showRecords(peers: readonly Fields[], { screen }: Context): void {
  const rows = peers.map((peer) => {
    const [address = '-', ...more] = peer.texts('addresses')
    const state = peer.flag('self') ? 'this one' : peer.text('state') || '-'
    const paint = state === 'online' || state === 'this one' ? screen.painter('green') : screen.painter('dim')
    return [
      peer.text('label'),
      peer.text('shortId'),
      { text: state, paint },
      more.length === 0 ? address : `${address} +${more.length}`,
    ]
  })
  screen.table(['NAME', 'ID', 'STATE', 'ADDRESS'], rows)
}
