import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { live, Person, test, texts, until } from './harness'

// Long lists are drawn piece by piece, and nothing that is looked at moves by itself.

describe('History', () => {
  // Older messages come as one scrolls up, and what is read stays where it is.
  test('ScrollsBack', async ({ browser, service, alice, bob }) => {
    const a = await Person.at(browser, service)
    const chat = await alice.open(bob)
    for (let i = 0; i < 120; i++) {
      const { message } = await bob.say(chat, `number ${i}`)
      if (i === 39) await alice.call('POST', `/api/conversations/${chat}/read`, { messageId: message.id })
    }
    const page = await a.enter(alice.name, `/c/${chat}`)
    // 80 are unread: the page begins where they do, and they stay unread until she has been at the end.
    await page.locator('.new-line').waitFor()
    const scroller = page.getByRole('region', { name: 'Messages' })
    await until('it stands at the new line', () =>
      page.evaluate(() => {
        const [line, box] = ['.new-line', '.scroller'].map((q) => document.querySelector(q)?.getBoundingClientRect())
        return line && box && Math.abs(line.top - box.top) < 20
      }),
    )
    expect(await page.locator('.new-line + .message').textContent()).toContain('number 40')
    await page.locator('a.place').getByText('80 unread').waitFor()
    await page.getByRole('button', { name: 'Latest' }).click()
    await page.locator('.bubble', { hasText: 'number 119' }).waitFor()
    await page.locator('a.place').getByText('80 unread').waitFor({ state: 'detached' })

    await scroller.evaluate((el) => {
      el.scrollTop = 0
    })
    await page.locator('.bubble', { hasText: /^number 0$/ }).waitFor({ state: 'attached' })
    await until('all are there', async () => (await texts(page)).length === 120)
    expect(await texts(page)).toEqual(Array.from({ length: 120 }, (_, i) => `number ${i}`))
    await page.getByText('The beginning of your chat').waitFor({ state: 'attached' })

    // While one reads up here, what comes below moves nothing, and is counted.
    const row = page.locator('.message', { hasText: /number 30$/ })
    const where = () => row.evaluate((el) => el.getBoundingClientRect().top)
    await row.evaluate((el) => el.scrollIntoView())
    const before = await where()
    await bob.say(chat, 'down below')
    await page.getByRole('button', { name: '1 new' }).waitFor()
    await until('the new line stands above it', async () =>
      (await page.locator('.new-line + .message').textContent())?.includes('down below'),
    )
    expect(await where()).toBe(before)
    await page.getByRole('button', { name: '1 new' }).click()
    await page.locator('.bubble', { hasText: 'down below' }).waitFor()
    await page.getByRole('button', { name: /new|Latest/ }).waitFor({ state: 'detached' })
    expect(a.mistakes).toEqual([])
  })
})

describe('Older messages', () => {
  // They come above what is read, page by page, and move nothing of it.
  test('MoveNothing', async ({ browser, service, alice, bob }) => {
    const a = await Person.at(browser, service)
    const chat = await alice.open(bob)
    for (let i = 0; i < 130; i++) await alice.say(chat, `number ${i}`)
    const page = await a.enter(alice.name, `/c/${chat}`)
    await page.locator('.bubble', { hasText: 'number 129' }).waitFor()
    expect((await texts(page)).length).toBe(50)
    for (const [oldest, next] of [
      [80, 30],
      [30, 0],
    ]) {
      const row = page.locator('.bubble', { hasText: new RegExp(`^number ${oldest}$`) })
      const before = await row.evaluate((el) => {
        el.closest('.scroller')!.scrollTop = 0
        return el.getBoundingClientRect().top
      })
      await page.locator('.bubble', { hasText: new RegExp(`^number ${next}$`) }).waitFor({ state: 'attached' })
      const after = await row.evaluate((el) => el.getBoundingClientRect().top)
      expect(Math.abs(after - before)).toBeLessThan(1) // scroll positions are whole pixels
    }
    expect(await texts(page)).toEqual(Array.from({ length: 130 }, (_, i) => `number ${i}`))
  })
})

describe('A page', () => {
  // From the first paint to the last message, nothing that was seen moves by itself.
  test('DoesNotJump', async ({ browser, service, alice, bob }) => {
    const a = await Person.at(browser, service)
    const chat = await alice.open(bob)
    for (let i = 0; i < 30; i++) await bob.say(chat, `number ${i}`)
    await a.enter(alice.name)
    await a.context.addInitScript(() => {
      const jumps: string[] = []
      Object.assign(globalThis, { jumps })
      new PerformanceObserver((list) => {
        for (const e of list.getEntries() as (PerformanceEntry & {
          value: number
          sources: { node?: Element }[]
        })[]) {
          jumps.push(`${e.value} ${e.sources.map((s) => s.node?.className || s.node?.nodeName).join(', ')}`)
        }
      }).observe({ type: 'layout-shift', buffered: true })
    })
    const jumps = (page: Page) => page.evaluate(() => (globalThis as unknown as { jumps: string[] }).jumps)
    for (const path of [`/c/${chat}`, '/', '/people', '/ops']) {
      const page = await a.tab(path)
      await live(page)
      if (path === `/c/${chat}`) await page.locator('.bubble').first().waitFor()
      if (path === '/ops') await page.getByText('Connections').waitFor()
      await bob.call('POST', `/api/conversations/${chat}/typing`, {})
      await page.locator('.place .writing').waitFor({ state: 'attached' })
      expect(await jumps(page), path).toEqual([])
      await page.close()
    }
    expect(a.mistakes).toEqual([])
  })
})

describe('The sidebar', () => {
  // It draws what can be seen, and more as one scrolls.
  test('LongList', async ({ browser, service, alice }) => {
    const a = await Person.at(browser, service)
    for (let i = 0; i < 130; i++) {
      await alice.group(`group ${i}`)
      // The first is to be the oldest, and the last the newest: of one millisecond any could be.
      const made = Date.now()
      if (i === 0 || i === 128) await until('that millisecond is over', () => Date.now() > made)
    }
    const page = await a.enter(alice.name)
    const rows = page.locator('a.place')
    await rows.first().waitFor()
    expect(await rows.first().textContent()).toContain('group 129')
    expect(await rows.count()).toBe(60)
    await until('all are drawn', async () => {
      await rows.last().scrollIntoViewIfNeeded()
      return (await rows.count()) === 130
    })
    expect(await rows.last().textContent()).toContain('group 0')
    await page.keyboard.press('Control+k')
    await page.keyboard.type('group 77')
    await until('one is found', async () => (await rows.count()) === 1)
    await page.getByRole('button', { name: 'People', exact: true }).click()
    await page.getByText('No chat is called “group 77”.').waitFor()
  })
})
