import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const client = (file: string) => fileURLToPath(new URL(`../client/src/${file}`, import.meta.url))

export default defineConfig({
  plugins: [react()],
  resolve: {
    // The client's sources: one build, and nothing to publish first.
    alias: [
      { find: /^@tidings\/client\/react$/, replacement: client('react.ts') },
      { find: /^@tidings\/client\/receipts$/, replacement: client('receipts.ts') },
      { find: /^@tidings\/client$/, replacement: client('index.ts') },
    ],
    dedupe: ['react', 'react-dom'],
  },
  build: {
    target: ['chrome123', 'firefox120', 'safari17.5'], // what has light-dark()
    // Inlined files would be data: URLs, which the content policy shuts out.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // The Host header stays, so that the service sees its own origin.
    proxy: Object.fromEntries(
      ['/api', '/metrics', '/docs'].map((path) => [path, process.env.TIDINGS ?? 'http://localhost:8080']),
    ),
  },
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['e2e/**/*.test.ts'],
          // One browser and one service at a time: what is measured is the app.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
