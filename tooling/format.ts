/** `npm run format`: writes what `npm test` checks. */
import { runSteps, tool } from './steps.js'

await runSteps('npm run format', [{ name: 'format', command: tool('biome', 'check', '--write', '.') }])
