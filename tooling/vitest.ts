import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const conditions = ['@pc/source', 'node', 'import', 'module', 'default']

/** The one test configuration: every package runs its TypeScript source through the `@pc/source` export condition. */
export function packageConfig(
  name: string,
  include: string[] = ['src/**/*.test.ts', 'test/**/*.test.ts'],
): ViteUserConfig {
  return defineConfig({
    resolve: { conditions },
    ssr: { resolve: { conditions, externalConditions: conditions } },
    test: {
      name,
      include,
      // Files share a process: starting one for each of more than 200 takes longer than the tests. So none may leave anything behind.
      isolate: false,
      // Only what hangs is to be cut, also on a machine that does much else.
      testTimeout: 20_000,
      hookTimeout: 20_000,
      execArgv: ['--conditions=@pc/source'],
      globalSetup: [fileURLToPath(new URL('./vitest-interfaces.ts', import.meta.url))],
      coverage: {
        provider: 'v8',
        include: ['src/**/*.ts'],
        exclude: ['src/**/*.test.ts'],
        reporter: ['text-summary', 'json-summary'],
      },
    },
  })
}
