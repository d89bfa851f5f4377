/** Runs inside each test file's worker before anything is imported: switches the mutant on, and hands back what was passed. */
import { afterAll, inject } from 'vitest'

/** The instrumented code reads and writes this global. */
interface Switch {
  activeMutant?: string
  hitCount?: number
  hitLimit?: number
  mutantCoverage?: { static: Record<string, number> }
}

declare module 'vitest' {
  interface ProvidedContext {
    mutant: string
    hitLimit: number
  }
  interface TaskMeta {
    hits?: Record<string, number>
  }
}

const instrumented = globalThis as { __stryker__?: Switch }
const own: Switch = { mutantCoverage: { static: {} } }
instrumented.__stryker__ = own
const mutant = inject('mutant')
if (mutant !== '') {
  own.activeMutant = mutant
  own.hitCount = 0
  own.hitLimit = inject('hitLimit')
}

// biome-ignore lint/correctness/noEmptyPattern: vitest reads the first parameter's pattern to see which fixtures are wanted: none
afterAll(({}, suite) => {
  if (mutant === '') suite.meta.hits = own.mutantCoverage?.static ?? {}
})
