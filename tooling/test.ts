/**
 * `npm test`: the quick gate. Format, lint, types, layers, unused code, then unit, property and loopback tests with coverage, then
 * a short stay in the laboratory: seeds of the simulation, and mutated input.
 */
import { QUICK_LAB } from './lab/gate.js'
import { LOOPBACK } from './loopback.js'
import { fromSource, runSteps, tool } from './steps.js'

// The default of this gate, not of the daemon: tests never announce on a real network.
process.env.PC_INTERFACES ||= LOOPBACK

await runSteps('npm test', [
  { name: 'format and lint', command: tool('biome', 'check', '--error-on-warnings', '.') },
  { name: 'types', command: tool('tsc', '--build') },
  { name: 'types of tests and tooling', command: tool('tsc', '--project', 'tsconfig.test.json') },
  { name: 'layers', command: fromSource('tooling/check-layers.ts') },
  { name: 'packages', command: fromSource('tooling/check-packages.ts') },
  { name: 'unused code', command: tool('knip') },
  { name: 'tests', command: tool('vitest', 'run', '--coverage') },
  { name: 'coverage', command: fromSource('tooling/coverage.ts') },
  { name: 'planted bugs still apply', command: fromSource('tooling/planted/check.ts') },
  ...QUICK_LAB,
  { name: 'fuzz, 12,000 cases', command: fromSource('tooling/fuzz/main.ts', '--cases', '12000', '--untimed') },
])
