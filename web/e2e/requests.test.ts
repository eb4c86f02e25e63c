import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { Person, test, until } from './harness'

// What a page asks the service for: nothing that an event tells it.

/** The requests of a page from now on, the stream aside, and what one page in ten reports of it. */
function requestsOf(page: Page): string[] {
  const out: string[] = []
  page.on('request', (r) => {
    const url = new URL(r.url())
    // A browser asks for the icon when it likes.
    if (['/api/events', '/api/events/receipts', '/favicon.svg'].includes(url.pathname)) return
    out.push(`${r.method()} ${url.pathname}`)
  })
  return out
}

describe('No polling', () => {
  // The sidebar, the bell, the open chat and the title change by events alone.
  test('UpdatesWithoutRequests', async ({ browser, service, alice, bob, carol }) => {
    const a = await Person.at(browser, service)
    const open = await alice.open(bob)
    const page = await a.enter(alice.name, `/c/${open}`)
    await page.getByText('The beginning of your chat').waitFor()
    await page.getByRole('link', { name: 'People' }).click() // where nothing is read by being seen
    const requests = requestsOf(page)

    await bob.say(open, 'first')
    await bob.say(open, 'second')
    const other = await carol.open(alice)
    await carol.say(other, 'from Carol')
    const group = await carol.group('Surprise', alice, bob)
    await carol.call('POST', '/api/friends/request', { userId: alice.id })

    await page
      .getByRole('link', { name: /second/ })
      .getByText('2 unread')
      .waitFor()
    await page
      .getByRole('link', { name: /from Carol/ })
      .getByText('1 unread')
      .waitFor()
    await page.getByRole('link', { name: /Surprise/ }).waitFor()
    await page.getByRole('region', { name: 'They ask to be your friends' }).getByText(`@${carol.name}`).waitFor()
    await page.getByRole('button', { name: 'Notifications, 3 unread' }).click()
    await page.getByText('2 unread messages').waitFor()
    await until('the title counts', async () => (await page.title()).startsWith('(3) '))
    await page.keyboard.press('Escape')

    // The group is renamed, and gone.
    await carol.call('PATCH', `/api/groupchats/${group}`, { name: 'No surprise' })
    await page.getByRole('link', { name: /No surprise/ }).waitFor()
    await carol.call('DELETE', `/api/groupchats/${group}`)
    await page.getByRole('link', { name: /No surprise/ }).waitFor({ state: 'detached' })
    expect(requests).toEqual([])
    expect(a.mistakes).toEqual([])
  })

  test('IdleForTenSeconds', async ({ browser, service, alice, bob }) => {
    const a = await Person.at(browser, service)
    const page = await a.enter(alice.name, `/c/${await alice.open(bob)}`)
    await page.getByText('The beginning of your chat').waitFor()
    const requests = requestsOf(page)
    await page.waitForTimeout(5000)
    expect(requests).toEqual([])
    await page.getByRole('link', { name: 'Operations' }).click()
    await page.getByText('Connections').waitFor()
    const numbers = ['GET /metrics', 'GET /api/ops/connections', 'GET /api/ops/receipts']
    const asked = () => requests.filter((r) => numbers.includes(r))
    await until('the numbers are asked for', () => asked().length >= numbers.length)
    const then = requests.length // the page's code comes before them
    await page.waitForTimeout(5000)
    expect(requests.slice(then)).toEqual([])
    expect(asked().sort(), 'once').toEqual(numbers.sort())
  })

  // What was read here is read on the other device, and the service is told at most every 2 s.
  test('ReadMarks', async ({ browser, service, alice, bob }) => {
    const [here, there] = await Promise.all([Person.at(browser, service), Person.at(browser, service)])
    const chat = await alice.open(bob)
    await bob.say(chat, 'unread')
    const elsewhere = await there.enter(alice.name, '/people')
    await elsewhere.getByText('1 unread').waitFor()
    const page = await here.enter(alice.name)
    const requests = requestsOf(page)
    const begun = Date.now()
    await page.bringToFront()
    await page.locator('a.place').click()
    await elsewhere.getByText('1 unread').waitFor({ state: 'detached' })
    for (let i = 0; i < 30; i++) await bob.say(chat, `burst ${i}`)
    await page.locator('.bubble', { hasText: 'burst 29' }).waitFor()
    await until('all is read', async () => {
      const { conversations } = await alice.call('GET', '/api/conversations')
      return conversations[0].unreadCount === 0
    })
    const marks = requests.filter((r) => r.endsWith('/read')).length
    expect(marks).toBeGreaterThan(0)
    expect(marks).toBeLessThanOrEqual(1 + Math.floor((Date.now() - begun) / 2000))
  })
})
