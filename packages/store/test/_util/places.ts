import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom, SimulatedStore, VirtualClock } from '@pc/testkit'
import { createMemoryBackend, openStore, type Store, type StoreBackend, type StoreOptions } from '../../src/index.js'
import { openLevelBackend } from '../../src/level-backend.js'

type Limits = Omit<StoreOptions, 'path' | 'backend'>

/** Somewhere to keep one store: what the contract suite needs of a backend. */
export interface Place {
  /** The backend itself, to put things into it behind a store's back. After `close()` of the last one, the same data. */
  backend(): Promise<StoreBackend>
  open(limits?: Limits): Promise<Store>
  remove(): Promise<void>
}

export const places: Record<string, () => Promise<Place>> = {
  LevelDB: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pc-store-'))
    const path = join(folder, 'db')
    return {
      backend: () => openLevelBackend(path),
      open: (limits) => openStore({ path, ...limits }),
      remove: () => rm(folder, { recursive: true, force: true }),
    }
  },
  memory: async () => {
    const backend = createMemoryBackend()
    return {
      backend: async () => backend,
      open: (limits) => openStore({ backend, ...limits }),
      remove: async () => {},
    }
  },
  simulated: async () => {
    const clock = new VirtualClock()
    let store: SimulatedStore | undefined
    const backend = async (): Promise<StoreBackend> => {
      store = store?.reopen() ?? new SimulatedStore({ clock, random: new SeededRandom('contract') })
      return store
    }
    // Virtual time runs by itself while a test waits for the store.
    let removed = false
    const running = (async () => {
      while (!removed) await clock.advance(1)
    })()
    return {
      backend,
      open: async (limits) => openStore({ backend: await backend(), ...limits }),
      remove: async () => {
        removed = true
        await running
      },
    }
  },
}
