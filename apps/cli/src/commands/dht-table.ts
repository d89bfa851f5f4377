import { type Context, DEFAULT_TIMEOUT_MS, withDaemon } from '../context.js'
import { Fields } from '../fields.js'
import { duration } from '../times.js'

/** Contacts that a bucket has room for. */
const ROOM = 20
/** Ids shown of a bucket. */
const SHOWN = 3

/** The routing table: one line a bucket, the farthest first, a block for each contact. */
export async function dhtTable(context: Context): Promise<void> {
  const { screen, io, timeoutMs = DEFAULT_TIMEOUT_MS } = context
  const answer = await withDaemon(context, (client) => client.call('dht.table', {}, { signal: io.signal, timeoutMs }))
  const fields = new Fields(answer)
  if (screen.json) {
    screen.document('pc.table/1', fields.all)
    return
  }
  const buckets = [...fields.list('buckets')].sort((a, b) => sharedBits(a, fields) - sharedBits(b, fields))
  const contacts = buckets.flatMap((bucket) => bucket.list('contacts'))
  screen.table(
    ['SHARED BITS', 'CONTACTS', '', 'WAIT', 'FASTEST', 'WHO'],
    buckets.map((bucket) => rowOf(bucket, sharedBits(bucket, fields), context)),
  )
  const doubted = contacts.filter((each) => each.text('state') !== 'verified').length
  screen.say(
    contacts.length === 0
      ? 'nobody yet: pc peers tells who is here'
      : `${contacts.length} ${contacts.length === 1 ? 'contact' : 'contacts'}, ${doubted} in doubt (░)`,
  )
}

function rowOf(bucket: Fields, bits: number, { screen }: Context) {
  const contacts = bucket.list('contacts')
  const doubted = contacts.filter((each) => each.text('state') !== 'verified').length
  const good = contacts.length - doubted
  const bar = '█'.repeat(good) + '░'.repeat(doubted) + '·'.repeat(Math.max(0, ROOM - contacts.length))
  const times = contacts.flatMap((each) => each.number('roundTripMs') ?? [])
  const names = contacts.map((each) => each.text('label') || each.text('shortId'))
  const more = names.length - SHOWN
  return [
    String(bits),
    { text: bar, paint: screen.painter(good > 0 ? 'green' : 'dim') },
    String(contacts.length),
    String(bucket.number('waiting') ?? 0),
    times.length === 0 ? '-' : duration(Math.min(...times)),
    names.slice(0, SHOWN).join(' ') + (more > 0 ? ` +${more}` : ''),
  ]
}

/** Leading bits that all in a bucket share with this peer. */
function sharedBits(bucket: Fields, table: Fields): number {
  const prefix = bucket.text('prefix')
  const own = [...table.text('position')]
    .map((digit) => Number.parseInt(digit, 16).toString(2).padStart(4, '0'))
    .join('')
  let bits = 0
  while (bits < prefix.length && prefix[bits] === own[bits]) bits++
  return bits
}
