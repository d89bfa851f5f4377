import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore, readSequence, sequenceKey } from '@pc/store'

const path = join(await mkdtemp(join(tmpdir(), 'tasks-')), 'store')
await using store = await openStore({ path })
for (const { file, text } of store.damage) console.error(`${file}: ${text}`)

const bytes = (text: string) => new TextEncoder().encode(text)
// One atomic write: the task and the count, or neither. It resolves when a power failure cannot take it back.
await store.write([
  { type: 'put', key: sequenceKey(bytes('task/'), 1), value: bytes('water the plants') },
  { type: 'put', key: bytes('count'), value: Uint8Array.of(1) },
])
for await (const item of readSequence(store, bytes('task/'), { first: 1 })) {
  if (item.type === 'entry') console.log(item.number, new TextDecoder().decode(item.value))
  else console.error('lost or damaged:', item)
}
