import { packageConfig } from '../../tooling/vitest.js'

export default packageConfig('gossip')
