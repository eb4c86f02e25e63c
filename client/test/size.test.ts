import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, it } from 'vitest'

async function size(contents: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('../src', import.meta.url)), loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: ['react'],
    write: false,
  })
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length
}

it('the whole package is under 7 KB, minified and gzipped', async () => {
  const all = await size(`export * from './index.ts'; export * from './react.ts'`)
  expect(all).toBeLessThan(7000)
  expect(all).toBeGreaterThan(4000) // it was built
})

it('receipts cost those who report them less than 800 bytes', async () => {
  expect(await size(`export * from './receipts.ts'`)).toBeLessThan(800)
})

it('what is not used is left out: the errors alone are next to nothing', async () => {
  expect(await size(`export { TidingsError } from './index.ts'`)).toBeLessThan(400)
})
