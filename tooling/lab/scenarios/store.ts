/**
 * A store on a bad disk: writers and readers, crashes with torn writes, failing and slow syncs, a disk that is full at times, bits that
 * flip at rest and on read. After every crash the whole store is held against a model: what was acknowledged is there and right, of
 * what was not acknowledged each write is there whole or not at all, and damage is always reported.
 */
import { openStore, type Store } from '@pc/store'
import { type SeededRandom, SimulatedStore, type SimulatedStoreFaults } from '@pc/testkit'
import { StoreModel } from '../checkers/store-model.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'

const share = (help: string) => ({ help, min: 0, max: 1 })

export const store: Scenario = {
  kind: 'scenario',
  name: 'store',
  summary: 'writers on a store whose disk crashes, tears, fills up, fails and flips bits',
  options: {
    crashes: { help: 'how often it ends and is opened again', min: 1, max: 10_000, whole: true, default: 15 },
    writers: { help: 'writers at the same time', min: 1, max: 200, whole: true },
    survival: share('share of the writes without a sync that are there after a crash'),
    torn: share('share of the others that leave a broken tail'),
    failing: share('share of the writes and syncs that fail'),
    slow: share('share of the syncs that take 200 ms more'),
    flips: share('share of the reads with a flipped bit'),
    rot: { help: 'bits that flip at rest, per life', min: 0, max: 20 },
    full: share('share of the lives in which the disk is full for a while'),
  },
  run: async (lab: Lab) => {
    const faults: Partial<SimulatedStoreFaults> = {
      survival: lab.draw('survival', (random) => random.float()),
      // Torn writes at a crash: 80 to 100 %, as TigerBeetle's simulator draws them.
      tornWrites: lab.draw('torn', (random) => 0.8 + 0.2 * random.float()),
      slowSyncs: lab.draw('slow', (random) => 0.05 * random.float()),
    }
    const failing = lab.draw('failing', (random) => 0.1 * random.float())
    const weather: Partial<SimulatedStoreFaults> = {
      ...faults,
      writeErrors: failing,
      syncErrors: failing,
      readErrors: failing,
      flipsOnRead: lab.draw('flips', (random) => 0.05 * random.float()),
    }
    const life: LifePlan = {
      lab,
      random: lab.random.stream('store workload'),
      model: new StoreModel((check, holds, details) => lab.check(check, holds, details)),
      writers: lab.draw('writers', (random) => random.integer(1, 20)),
      rot: lab.draw('rot', (random) => 2 * random.float()),
      full: lab.draw('full', (random) => 0.5 * random.float()),
      weather,
    }
    let disk = new SimulatedStore({
      clock: lab.clock,
      random: lab.random.stream('disk'),
      trace: lab.trace,
      ...faults,
    })
    const crashes = lab.option('crashes')
    for (let n = 0; n < crashes; n++) {
      await oneLife(life, disk)
      disk = disk.reopen()
    }
    await heal(life, disk)
    const { counters } = disk
    const { figures } = life.model
    for (const [name, value] of Object.entries(figures)) lab.figure(name, value, { combine: 'sum' })
    lab.figure('crashes', counters.crashes, { combine: 'sum' })
    lab.figure('torn', counters.torn, { combine: 'sum' })
    lab.figure('survived_unacknowledged', counters.survived, { combine: 'sum' })
    lab.figure('bits_flipped', counters.flips, { combine: 'sum' })
  },
}

interface LifePlan {
  readonly lab: Lab
  readonly random: SeededRandom
  readonly model: StoreModel
  readonly writers: number
  readonly rot: number
  readonly full: number
  readonly weather: Partial<SimulatedStoreFaults>
}

const CALM: Partial<SimulatedStoreFaults> = {
  writeErrors: 0,
  syncErrors: 0,
  readErrors: 0,
  flipsOnRead: 0,
  capacityBytes: Number.POSITIVE_INFINITY,
}

/** Opens, checks everything, mends what is damaged, then works in bad weather until the power fails or the store is closed. */
async function oneLife(plan: LifePlan, disk: SimulatedStore): Promise<void> {
  const { lab, random, model } = plan
  disk.change(CALM)
  const opened = await openStore({ backend: disk })
  await model.checkAll(opened)
  await model.mend(opened)
  disk.change(plan.weather)
  const running = { is: true }
  const writers = Array.from({ length: plan.writers }, (_, n) => write(plan, opened, running, n))
  const reader = read(plan, opened, running)
  const nemesis = harm(plan, disk, running)
  await lab.sleep(random.exponential(300))
  running.is = false
  if (random.float() < 0.8) {
    lab.note('the power fails')
    disk.crash()
    model.crashed()
    return
  }
  lab.note('the store closes')
  await opened.close()
  await Promise.all([...writers, reader, nemesis])
  lab.check('closing waits for what was accepted', model.underWay === 0, () => `${model.underWay} writes never settled`)
}

/** Each writer awaits its writes. In a life that crashed it waits for ever, as the process would not be there any more. */
async function write(plan: LifePlan, opened: Store, running: { is: boolean }, writer: number): Promise<void> {
  const random = plan.lab.random.stream(`writer ${writer} at ${plan.lab.now()}`)
  while (running.is) {
    await plan.lab.sleep(random.exponential(2))
    if (running.is) await plan.model.write(opened, random)
  }
}

async function read(plan: LifePlan, opened: Store, running: { is: boolean }): Promise<void> {
  const random = plan.lab.random.stream(`reader at ${plan.lab.now()}`)
  while (running.is) {
    await plan.lab.sleep(random.exponential(1))
    if (running.is) await plan.model.readOne(opened, random)
  }
}

/** Bits flip at rest; the disk is full for a while. */
async function harm(plan: LifePlan, disk: SimulatedStore, running: { is: boolean }): Promise<void> {
  const { lab, model } = plan
  const random = lab.random.stream(`harm at ${lab.now()}`)
  const isFull = random.float() < plan.full
  for (let flips = random.exponential(plan.rot + 1e-9); flips > 0.5 || isFull; flips--) {
    await lab.sleep(random.exponential(100))
    if (!running.is) return
    if (flips > 0.5) {
      const key = disk.flipBit()
      if (key !== undefined) model.flipped(key)
    }
    if (!isFull) continue
    disk.change({ capacityBytes: disk.usedBytes + random.integer(0, 500) })
    await lab.sleep(random.exponential(50))
    disk.change({ capacityBytes: Number.POSITIVE_INFINITY })
  }
}

/** With a good disk everything works again, and nothing has been forgotten. */
async function heal(plan: LifePlan, disk: SimulatedStore): Promise<void> {
  disk.change({ ...CALM, slowSyncs: 0 })
  const opened = await openStore({ backend: disk })
  await plan.model.checkAll(opened)
  await plan.model.mend(opened)
  const random = plan.lab.random.stream('healed')
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => plan.model.write(opened, random)))
  plan.lab.check('a healed disk takes every write', outcomes.every(Boolean))
  await opened.close()
  const again = await openStore({ backend: disk.reopen() })
  await plan.model.checkAll(again)
  await again.close()
}
