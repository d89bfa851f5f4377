import { packageConfig } from './vitest.js'

export default packageConfig('tooling', ['*/*.test.ts', '*/*/*.test.ts'])
