import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { Fields } from '../fields.js'
import { showRecords } from '../records.js'
import type { Cell } from '../table.js'
import { ago, duration } from '../times.js'

const COLOURS = { online: 'green', checking: 'yellow', offline: 'dim' } as const

/** `all`: everybody in the network, as its lists have it, known here or not. */
export async function peers(
  context: Context,
  { all = false, watch = false }: { all?: boolean; watch?: boolean } = {},
): Promise<void> {
  if (all) return everybody(context)
  if (watch) return changes(context)
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const answer = await withDaemon(context, (client) => client.call('peers', {}, { signal: io.signal, timeoutMs }))
  const fields = new Fields(answer)
  if (screen.json) {
    screen.document('pc.peers/1', fields.all)
    return
  }
  const list = fields.list('peers')
  if (list.length === 0) {
    screen.say('nobody yet: start pc up on another machine of this network')
    return
  }
  const rows = list.map((peer) => rowOf(peer, context))
  screen.table(['NAME', 'ID', 'STATE', 'ROUND TRIP', 'SEEN', 'ADDRESS'], rows)
  if (list.some((peer) => !peer.flag('nameVerified'))) {
    screen.say('? the name is taken by another id, or not pinned yet: go by the id')
  }
}

/** Everybody known, and then every change in a line of its own, until interrupted. */
async function changes(context: Context): Promise<void> {
  const { screen, io, timeoutMs } = context
  await withDaemon(context, async (client) => {
    const deadline = timeoutMs === undefined ? {} : { timeoutMs }
    for await (const item of client.stream('peers.watch', {}, { signal: io.signal, ...deadline })) {
      const fields = new Fields(item)
      if (screen.json) {
        screen.document('pc.peers.change/1', fields.all)
        continue
      }
      const peer = fields.fields('peer')
      const reason = peer.text('reason')
      const seen = peer.number('lastSeenAt')
      const name = peer.text('label') === '' ? peer.text('id') : peer.text('label')
      const why = reason === '' ? '' : ` (${reason})`
      const last = seen === undefined ? '' : `, seen ${ago(seen, io.now())}`
      screen.line(`${fields.text('change')}  ${name}${why}${last}`)
    }
  })
}

async function everybody(context: Context): Promise<void> {
  const { screen, io, timeoutMs } = context
  const found: Fields[] = []
  const progress = screen.progress(() => `asking the network, ${found.length} found`)
  try {
    await withDaemon(context, async (client) => {
      const deadline = timeoutMs === undefined ? {} : { timeoutMs }
      for await (const page of client.stream('peers.all', {}, { signal: io.signal, ...deadline }))
        found.push(...new Fields(page).list('peers'))
    })
  } finally {
    progress.end()
  }
  found.sort((a, b) => a.text('label').localeCompare(b.text('label')))
  if (screen.json) {
    screen.document('pc.directory/1', { peers: found.map((peer) => peer.all) })
    return
  }
  showRecords(found, context)
  screen.say(`${found.length} in the network`)
}

function rowOf(peer: Fields, { screen, io }: Context): (Cell | string)[] {
  const state = peer.text('state')
  const colour = Object.hasOwn(COLOURS, state) ? COLOURS[state as keyof typeof COLOURS] : undefined
  const reason = peer.text('reason')
  const roundTrip = peer.number('roundTripMs')
  const seen = peer.number('lastSeenAt')
  const [address = '-', ...more] = peer.texts('addresses')
  return [
    peer.text('label') + (peer.flag('nameVerified') ? '' : ' ?'),
    peer.text('shortId'),
    { text: reason === '' ? state : `${state} (${reason})`, paint: colour && screen.painter(colour) },
    roundTrip === undefined ? '-' : duration(roundTrip),
    seen === undefined ? '-' : ago(seen, io.now()),
    more.length === 0 ? address : `${address} +${more.length}`,
  ]
}
