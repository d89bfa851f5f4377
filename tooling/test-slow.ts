/** `npm run test:slow`: what needs processes, tarballs, namespaces or minutes. */
import { SLOW_LAB } from './lab/gate.js'
import { LOOPBACK } from './loopback.js'
import { fromSource, runSteps } from './steps.js'

process.env.PC_INTERFACES ||= LOOPBACK
await runSteps('npm run test:slow', [
  { name: 'examples from source', command: fromSource('tooling/examples.ts') },
  { name: 'tarballs: publint, attw, install, examples', command: fromSource('tooling/tarballs.ts') },
  { name: 'the gates turn red for planted faults', command: fromSource('tooling/gates.ts') },
  { name: 'demo', command: fromSource('tooling/demo/main.ts', '--json') },
  {
    name: 'netlab, the short set',
    command: fromSource('tooling/netlab/main.ts', 'brief', '--json'),
    // A person without root may go on; the gate that decides what lands may not.
    maySkip: !process.env.CI,
  },
  ...SLOW_LAB,
  { name: 'benchmarks still run', command: fromSource('tooling/bench/main.ts', 'all', '--smoke') },
])
