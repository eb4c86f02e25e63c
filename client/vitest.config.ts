import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // A stub or a spy must not reach into the next test.
    restoreMocks: true,
    unstubGlobals: true,
    testTimeout: 20_000,
  },
})
