import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Api, launch, live, Person, Service, texts, until, write } from './harness'

// What goes wrong on the way: tabs, networks and services that come and go. Nothing may be lost or doubled on the page.

let service: Service
let browser: Browser
let alice: Api
let bob: Api
let chat: string
let person: Person

beforeAll(async () => {
  browser = await launch()
})

beforeEach(async () => {
  service = await Service.start()
  ;[alice, bob] = await Promise.all([service.as('alice'), service.as('bob')])
  chat = await alice.open(bob)
  person = await Person.at(browser, service)
})

afterEach(async () => {
  await service.stop()
})

afterAll(() => browser?.close())

const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `line ${from + i}`)

async function say(from: number, to: number) {
  for (const line of lines(from, to)) await bob.say(chat, line)
}

const shows = (page: Page, want: string[]) =>
  until(
    `the page shows ${want.length} messages`,
    async () => JSON.stringify(await texts(page)) === JSON.stringify(want),
  )

async function connections(): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text()
  let n = 0
  for (const [, of] of text.matchAll(/^tidings_streamer_connections\{.*\} (\d+)/gm)) n += Number(of)
  return n
}

describe('Seven tabs', () => {
  // One stream serves them all; when the tab that holds it is closed, another one goes on.
  test('ShareOneStream', async () => {
    const first = await person.enter('alice', `/c/${chat}`)
    const tabs = [first]
    for (let i = 1; i < 7; i++) tabs.push(await person.tab(`/c/${chat}`))
    await Promise.all(tabs.map(live))
    await until('there is one stream', async () => (await connections()) === 1)
    await say(0, 5)
    for (const tab of tabs) await shows(tab, lines(0, 5))

    for (let closed = 0; closed < 3; closed++) {
      await tabs.shift()?.close()
      const from = 5 + closed * 5
      await say(from, from + 5)
      for (const tab of tabs) await shows(tab, lines(0, from + 5))
    }
    await until('there is one stream', async () => (await connections()) === 1)
    expect(person.mistakes).toEqual([])
  })

  // A log-out in one tab is one in all, and a log-in too.
  test('LogOutTogether', async () => {
    const tabs = [await person.enter('alice', `/c/${chat}`)]
    for (let i = 1; i < 4; i++) tabs.push(await person.tab(i % 2 ? '/people' : `/c/${chat}`))
    await Promise.all(tabs.map(live))
    await tabs[2]!.getByRole('button', { name: /^Account of/ }).click()
    await tabs[2]!.getByRole('menuitem', { name: 'Log out' }).click()
    for (const tab of tabs) await tab.getByText('You are logged out.').waitFor()
    await tabs[0]!.getByLabel('Username').fill('alice')
    await tabs[0]!.getByLabel('Password').fill('correct horse')
    await tabs[0]!.getByRole('button', { name: 'Log in' }).click()
    await Promise.all(tabs.map(live))
    await say(0, 1)
    await shows(tabs[2]!, lines(0, 1))
    // And once more, from another tab.
    await tabs[1]!.getByRole('button', { name: /^Account of/ }).click()
    await tabs[1]!.getByRole('menuitem', { name: 'Log out' }).click()
    for (const tab of tabs) await tab.getByText('You are logged out.').waitFor()
    expect(person.mistakes).toEqual([])
  })
})

describe('The service', () => {
  // Killed and started again, while both sides write.
  test('IsKilledAndBack', async () => {
    const page = await person.enter('alice', `/c/${chat}`)
    await say(0, 10)
    await shows(page, lines(0, 10))
    await service.kill()
    await page.locator('.light', { hasText: 'Offline' }).waitFor()
    await write(page, 'line 10')
    await page.getByText('Sending…').waitFor()
    await service.up()
    await live(page)
    await page.locator('.message.mine').getByText('Sent').waitFor()
    await say(11, 20)
    await shows(page, lines(0, 20))
    const { messages } = await alice.call('GET', `/api/conversations/${chat}/messages`)
    expect(messages.map((m: { content: string }) => m.content)).toEqual(lines(0, 20))
    expect(person.mistakes).toEqual([])
  })

  // What others wrote while this page was without a stream is there when it has one again.
  test('GoesOnWithoutThePage', async () => {
    const page = await person.enter('alice', `/c/${chat}`)
    await say(0, 3)
    await shows(page, lines(0, 3))
    await service.kill()
    await page.locator('.light', { hasText: 'Offline' }).waitFor()
    // The page is kept from coming back while Bob writes.
    await person.context.setOffline(true)
    await service.up()
    await say(3, 8)
    const carol = await service.as('carol')
    await carol.say(await carol.open(alice), 'also here')
    await person.context.setOffline(false)
    await live(page)
    await shows(page, lines(0, 8))
    await page.getByRole('link', { name: /also here/ }).waitFor()
    expect(person.mistakes).toEqual([])
  })
})

describe('The network', () => {
  test('IsAwayAndBack', async () => {
    const page = await person.enter('alice', `/c/${chat}`)
    await say(0, 3)
    await shows(page, lines(0, 3))
    await person.context.setOffline(true)
    await write(page, 'line 3')
    await write(page, 'line 4')
    await until('both wait', async () => (await page.locator('.message.unsent').count()) === 2)
    // What was written and not sent outlives a reload, which needs the network.
    await person.context.setOffline(false)
    await until('both are sent', async () => (await page.locator('.message.unsent').count()) === 0)
    await shows(page, lines(0, 5))
    await say(5, 8)
    await shows(page, lines(0, 8))
    await page.reload()
    await shows(page, lines(0, 8))
    expect(person.mistakes).toEqual([])
  })
})
