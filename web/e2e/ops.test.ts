import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, launch, live, Person, Service, until } from './harness'

let service: Service
let browser: Browser
let alice: Api
let bob: Api

beforeAll(async () => {
  process.env.STREAMERS = '2'
  service = await Service.start()
  delete process.env.STREAMERS
  browser = await launch()
  alice = await service.as('alice') // user 1, who runs a local system
  bob = await service.as('bob')
})

afterAll(async () => {
  await browser.close()
  await service.stop()
})

const lookUp = async (page: Page, who: string) => {
  await page.getByLabel('The streams of somebody').fill(who)
  await page.getByRole('button', { name: 'Look up' }).click()
}

// Who runs the service sees the streams of both streamers, those of somebody, and what pages have reported.
test('Operations', async () => {
  await bob.call('POST', '/api/events/receipts', {
    receipts: [{ type: 'message', latencyMs: 31 }, { type: 'message', latencyMs: 45 }, { type: 'order_shipped' }],
  })
  const [a, b] = [await Person.at(browser, service), await Person.at(browser, service)]
  await b.enter('bob')
  const page = await a.enter('alice', '/ops')

  const section = page.getByRole('region', { name: 'The service' })
  const row = (name: string) => section.getByRole('row', { name: new RegExp(`^${name} `) })
  await until('both streamers have told of their streams', async () => {
    await section.getByRole('button', { name: 'Refresh all' }).click()
    await page.waitForTimeout(500)
    return (await section.getByText('Streams: 2 in all').count()) === 1
  })
  expect(await row('local-1').textContent()).toMatch(/^local-101Ready/)
  expect(await row('local-2').textContent()).toMatch(/^local-201Ready/)
  expect(await row('message').textContent()).toMatch(/^message240 ms49 ms50 ms$/)
  expect(await row('custom').textContent()).toMatch(/^custom1–––$/)

  await lookUp(page, 'Bob')
  await section.getByText(/^Bob has 1 stream at local-[12]\.$/).waitFor()
  await lookUp(page, `${alice.id}`)
  await section.getByText(/^1 has 1 stream at local-[12]\.$/).waitFor()
  await lookUp(page, 'carol')
  await section.getByText('carol has no stream.').waitFor()
  await lookUp(page, 'nobody-at-all')
  await section.getByText('There is no such user.').waitFor()

  // Others see their own stream, and nothing of the service.
  const refused = b.context.waitForEvent('response', (r) => r.url().includes('/api/ops/') && r.status() === 403)
  const other = await b.tab('/ops')
  await live(other)
  await other.getByRole('region', { name: 'The streamers' }).waitFor()
  await refused
  await other.getByRole('region', { name: 'The service' }).waitFor({ state: 'detached' })
  expect([...a.mistakes, ...b.mistakes]).toEqual([])
})
