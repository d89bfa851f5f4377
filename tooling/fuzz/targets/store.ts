import { createMemoryBackend, openStore, readSequence, type StoreBackend, StoreError, sequenceKey } from '@pc/store'
import { readLevelLog } from '../../../packages/store/src/level-log.js'
import { readLevelManifest } from '../../../packages/store/src/level-manifest.js'
import { checkLevelTable } from '../../../packages/store/src/level-table.js'
import { openValue, sealValue } from '../../../packages/store/src/value-format.js'
import { opaque } from '../mutate/shape.js'
import { errors, nothing, type Target } from '../target.js'
import { join } from './seeds.js'

const KEY = Uint8Array.of(1, 2, 3)
const PREFIX = Uint8Array.of(7)
const VALUES = [new Uint8Array(), Uint8Array.of(1), new Uint8Array(100).fill(5), new Uint8Array(2_000).fill(6)]

const storedValue: Target = {
  name: 'store/openValue',
  about: 'stored bytes of a value, as a damaged disk may give them back',
  covers: [],
  shape: opaque,
  seeds: () => VALUES.map((value) => sealValue(KEY, value)),
  allows: errors(StoreError, ['STORE_CORRUPT', 'STORE_VERSION']),
  open: () => ({
    handle: (input) => openValue(KEY, input),
    verify: (input, result) =>
      Buffer.compare(sealValue(KEY, result as Uint8Array), input) === 0
        ? undefined
        : 'what passes is not what was sealed',
    alive: () => (openValue(KEY, sealValue(KEY, Uint8Array.of(9)))[0] === 9 ? undefined : 'another value'),
  }),
}

const store: Target = {
  name: 'store/Store',
  about: 'a store whose backend gives back other bytes: reads, ranges, numbered logs',
  covers: ['@pc/store openStore', '@pc/store readSequence'],
  shape: opaque,
  seeds: () => VALUES.map((value) => sealValue(sequenceKey(PREFIX, 2), value)),
  allows: errors(StoreError, ['STORE_CORRUPT', 'STORE_VERSION']),
  async open() {
    const backend = createMemoryBackend()
    const damaged: StoreBackend = backend
    const made = await openStore({ backend: damaged })
    for (const number of [1, 2, 3])
      await made.write([{ type: 'put', key: sequenceKey(PREFIX, number), value: Uint8Array.of(number) }])
    return {
      prepare: (input) => damaged.batch([{ type: 'put', key: sequenceKey(PREFIX, 2), value: input }]),
      async handle() {
        const items: string[] = []
        for await (const item of readSequence(made, PREFIX, { first: 1, last: 3 })) items.push(item.type)
        return [items, await made.get(sequenceKey(PREFIX, 2))]
      },
      verify: (_input, result) =>
        (result as [string[]])[0].join(' ') === 'entry entry entry' ? undefined : 'an entry is missing',
      async alive() {
        const first = await made.get(sequenceKey(PREFIX, 1))
        return first?.[0] === 1 ? undefined : 'another entry cannot be read'
      },
      close: () => made.close(),
    }
  },
}

const levelFiles: Target = {
  name: 'store/level-files',
  about: 'the log, manifest and tables of LevelDB, as the check at opening reads them',
  covers: [],
  shape: opaque,
  seeds: () => [
    // A record of a log: checksum, length, type, data; and pieces of one.
    Buffer.from('0f7c8d1d0500016865 6c6c6f'.replaceAll(' ', ''), 'hex'),
    join(new Uint8Array(7), Uint8Array.of(0x0a, 0, 2, 1, 2, 3), new Uint8Array(40)),
    // The end of a table: two handles, padding, magic number.
    join(new Uint8Array(64), Uint8Array.of(0, 8, 8, 8), new Uint8Array(36), Buffer.from('57fb808b247547db', 'hex')),
  ],
  allows: nothing,
  // Files of our own disk, looked at once when a store is opened: the bars are for packets.
  untimed: true,
  open: () => ({
    handle: (input) => [readLevelLog(input), readLevelManifest([input]), checkLevelTable(input)],
    alive: () => (typeof checkLevelTable(new Uint8Array(10)) === 'string' ? undefined : 'ten zeros pass for a table'),
  }),
}

export const storeTargets: readonly Target[] = [storedValue, store, levelFiles]
