import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Api, launch, live, Person, Service, texts, until, write } from './harness'

let service: Service
let browser: Browser
let alice: Api
let bob: Api
let carol: Api

beforeAll(async () => {
  service = await Service.start()
  browser = await launch()
})

afterAll(async () => {
  await browser?.close()
  await service?.stop()
})

/** Each test has people of its own. */
let names: [string, string, string]
let round = 0
beforeEach(async () => {
  round++
  names = [`alice${round}`, `bob${round}`, `carol${round}`]
  ;[alice, bob, carol] = (await Promise.all(names.map((n) => service.as(n)))) as [Api, Api, Api]
})

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

describe('Two people', () => {
  // Alice begins a chat with Bob, who has the app open elsewhere in it; they write to each other.
  test('WriteToEachOther', async () => {
    const [a, b] = await Promise.all([Person.at(browser, service), Person.at(browser, service)])
    const [pa, pb] = await Promise.all([a.enter(names[0]), b.enter(names[1])])
    await pa.getByRole('button', { name: 'New chat' }).first().click()
    await pa.getByRole('dialog').getByRole('searchbox').fill(names[1])
    await pa.getByRole('button', { name: `@${names[1]}` }).click()
    await pa.waitForURL('**/c/*')

    await write(pa, 'Hello Bob')
    await pb.getByRole('link', { name: /Hello Bob/ }).click()
    await pb.getByText('The beginning of your chat').waitFor()
    // He has read it, and she sees that.
    await pa.locator('.message.mine .meta', { hasText: 'Read' }).waitFor()
    // She sees him write, until he has written.
    await pb.getByRole('textbox', { name: 'Message' }).pressSequentially('Hi')
    await pa.locator('.composer-status', { hasText: `${names[1]} is writing…` }).waitFor()
    await pb.keyboard.press('Enter')
    await pa.locator('.bubble', { hasText: 'Hi' }).waitFor()
    expect(await pa.locator('.composer-status').textContent()).toBe('')

    // Nothing is new to who looks on.
    expect(await pa.locator('.new-line').count()).toBe(0)

    for (let i = 0; i < 20; i++) await write(i % 2 ? pa : pb, `line ${i}`)
    const want = ['Hello Bob', 'Hi']
    for (let i = 0; i < 20; i++) want.push(`line ${i}`)
    await until('both have all', async () => [pa, pb].every(async (p) => (await texts(p)).length === want.length))
    await pa.locator('.bubble', { hasText: 'line 18' }).waitFor()
    await pb.locator('.bubble', { hasText: 'line 19' }).waitFor()
    // Each line was written when the one before was on the writer's page, not on the reader's: the order is the log's.
    expect((await texts(pa)).toSorted()).toEqual(want.toSorted())
    await until('both show the same', async () => JSON.stringify(await texts(pa)) === JSON.stringify(await texts(pb)))
    expect([...a.mistakes, ...b.mistakes]).toEqual([])
    await Promise.all([a.context.close(), b.context.close()])
  })

  // A message is on its author's page before the service has heard of it, and stays the same row when it has.
  test('OwnMessagesAtOnce', async () => {
    const a = await Person.at(browser, service)
    const chat = await alice.open(bob)
    const page = await a.enter(names[0], `/c/${chat}`)
    await page.getByText('The beginning of your chat').waitFor()
    let held: (() => void) | undefined
    await page.route('**/messages', async (route) => {
      if (route.request().method() === 'POST') {
        await new Promise<void>((resolve) => {
          held = resolve
        })
      }
      await route.continue()
    })
    await write(page, 'patience')
    const row = page.locator('.message', { hasText: 'patience' })
    await row.getByText('Sending…').waitFor()
    const element = await row.elementHandle()
    await until('the request is held', () => held)
    held!()
    await row.getByText('Sent').waitFor()
    expect(await row.count()).toBe(1)
    expect(await row.evaluate((now, before) => now === before, element)).toBe(true)
    await a.context.close()
  })

  // A refused message stays, with the reason and a way on.
  test('ErrRefused', async () => {
    const a = await Person.at(browser, service)
    const chat = await alice.open(bob)
    const page = await a.enter(names[0], `/c/${chat}`)
    let refuse = true
    await page.route('**/messages', async (route) => {
      if (route.request().method() !== 'POST' || !refuse) return route.continue()
      await route.fulfill({
        status: 413,
        contentType: 'application/problem+json',
        body: JSON.stringify({
          code: 'entry_too_large',
          title: 'Too large',
          detail: 'This is more than one event can carry.',
        }),
      })
    })
    await write(page, 'refused at first')
    await page.getByText('Not sent. This is more than one event can carry.').waitFor()
    refuse = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.message', { hasText: 'refused at first' }).getByText('Sent', { exact: true }).waitFor()
    expect(await texts(page)).toEqual(['refused at first'])
    await a.context.close()
  })
})

describe('No polling', () => {
  // The sidebar, the bell, the open chat and the title change by events alone.
  test('UpdatesWithoutRequests', async () => {
    const a = await Person.at(browser, service)
    const open = await alice.open(bob)
    const page = await a.enter(names[0], `/c/${open}`)
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
    await page.getByRole('region', { name: 'They ask to be your friends' }).getByText(`@${names[2]}`).waitFor()
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
    await a.context.close()
  })

  test('IdleForTenSeconds', async () => {
    const a = await Person.at(browser, service)
    const page = await a.enter(names[0], `/c/${await alice.open(bob)}`)
    await page.getByText('The beginning of your chat').waitFor()
    const requests = requestsOf(page)
    await page.waitForTimeout(5000)
    await page.getByRole('link', { name: 'Operations' }).click()
    await page.getByText('Connections').waitFor()
    requests.length = 0 // the page's code, and the instance's numbers, once
    await page.waitForTimeout(5000)
    expect(requests).toEqual([])
    await a.context.close()
  })

  // What was read here is read on the other device, and the service is told at most every 2 s.
  test('ReadMarks', async () => {
    const [here, there] = await Promise.all([Person.at(browser, service), Person.at(browser, service)])
    const chat = await alice.open(bob)
    await bob.say(chat, 'unread')
    const elsewhere = await there.enter(names[0], '/people')
    await elsewhere.getByText('1 unread').waitFor()
    const page = await here.enter(names[0])
    const requests = requestsOf(page)
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
    expect(marks).toBeLessThanOrEqual(4)
    await Promise.all([here.context.close(), there.context.close()])
  })
})

describe('History', () => {
  // Older messages come as one scrolls up, and what is read stays where it is.
  test('ScrollsBack', async () => {
    const a = await Person.at(browser, service)
    const chat = await alice.open(bob)
    for (let i = 0; i < 120; i++) {
      const { message } = await bob.say(chat, `number ${i}`)
      if (i === 39) await alice.call('POST', `/api/conversations/${chat}/read`, { messageId: message.id })
    }
    const page = await a.enter(names[0], `/c/${chat}`)
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
    expect(await where()).toBe(before)
    expect(await page.locator('.new-line + .message').textContent()).toContain('down below')
    await page.getByRole('button', { name: '1 new' }).click()
    await page.locator('.bubble', { hasText: 'down below' }).waitFor()
    await page.getByRole('button', { name: /new|Latest/ }).waitFor({ state: 'detached' })
    expect(a.mistakes).toEqual([])
    await a.context.close()
  })
})

describe('Older messages', () => {
  // They come above what is read, page by page, and move nothing of it.
  test('MoveNothing', async () => {
    const a = await Person.at(browser, service)
    const chat = await alice.open(bob)
    for (let i = 0; i < 130; i++) await alice.say(chat, `number ${i}`)
    const page = await a.enter(names[0], `/c/${chat}`)
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
    await a.context.close()
  })
})

describe('A page', () => {
  // From the first paint to the last message, nothing that was seen moves by itself.
  test('DoesNotJump', async () => {
    const a = await Person.at(browser, service)
    const chat = await alice.open(bob)
    for (let i = 0; i < 30; i++) await bob.say(chat, `number ${i}`)
    await a.enter(names[0])
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
    await a.context.close()
  })
})

describe('The sidebar', () => {
  // It draws what can be seen, and more as one scrolls.
  test('LongList', async () => {
    const a = await Person.at(browser, service)
    for (let i = 0; i < 130; i++) await alice.group(`group ${i}`)
    const page = await a.enter(names[0])
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
    await a.context.close()
  })
})

describe('Friends', () => {
  test('AskAcceptEnd', async () => {
    const [a, b] = await Promise.all([Person.at(browser, service), Person.at(browser, service)])
    const [pa, pb] = await Promise.all([a.enter(names[0], '/people'), b.enter(names[1], '/people')])
    await pa.locator('main').getByRole('searchbox').fill(names[1])
    await pa.getByRole('button', { name: `Ask ${names[1]} to be friends` }).click()
    await pa.getByRole('button', { name: `Withdraw the request to ${names[1]}` }).waitFor()
    await pb.getByRole('button', { name: `Accept ${names[0]}` }).click()
    await pb.getByRole('region', { name: 'Friends · 1' }).waitFor()
    await pa.locator('main').getByText('Friend', { exact: true }).waitFor()
    await pa.getByRole('button', { name: 'Notifications, 1 unread' }).click()
    await pa.getByText('is your friend now').waitFor()
    await pa.getByRole('button', { name: 'Mark all read' }).click()
    await pa.getByRole('button', { name: 'Notifications', exact: true }).waitFor()
    await pa.keyboard.press('Escape')
    await pb.getByRole('button', { name: `More for ${names[0]}` }).click()
    await pb.getByRole('menuitem', { name: 'End friendship' }).click()
    await pb.getByRole('alertdialog').getByRole('button', { name: 'End friendship' }).click()
    await pb.getByText('No friends yet').waitFor()
    await pa.getByRole('button', { name: `Ask ${names[1]} to be friends` }).waitFor()
    expect([...a.mistakes, ...b.mistakes]).toEqual([])
    await Promise.all([a.context.close(), b.context.close()])
  })
})

describe('A group', () => {
  // Made, filled, renamed, handed over, left and deleted, while another member looks on.
  test('FromBeginningToEnd', async () => {
    const [a, b] = await Promise.all([Person.at(browser, service), Person.at(browser, service)])
    const [pa, pb] = await Promise.all([a.enter(names[0]), b.enter(names[1])])
    await pa.getByRole('button', { name: 'New chat' }).first().click()
    await pa.getByRole('button', { name: 'New group' }).click()
    await pa.getByLabel('Name of the group').fill('Readers')
    await pa.getByRole('dialog').getByRole('searchbox').fill(names[1])
    await pa.getByRole('button', { name: `@${names[1]}` }).click()
    await pa.getByRole('button', { name: 'Create group' }).click()
    await pa.getByRole('heading', { name: 'Readers' }).waitFor()
    await pb.getByRole('link', { name: /Readers/ }).click()
    await pb.getByText('2 members').waitFor()

    await pa.getByRole('button', { name: 'Manage group' }).click()
    await pa.getByLabel('Name', { exact: true }).fill('Writers')
    await pa.getByRole('button', { name: 'Rename' }).click()
    await pb.getByRole('heading', { name: 'Writers' }).waitFor()
    await pa.getByRole('button', { name: 'Add people' }).click()
    await pa.getByRole('dialog').getByRole('searchbox').fill(names[2])
    await pa.getByRole('button', { name: `@${names[2]}` }).click()
    await pa.getByRole('button', { name: 'Add', exact: true }).click()
    await pb.getByText('3 members').waitFor()
    await pa.getByRole('button', { name: `More for ${names[2]}` }).click()
    await pa.getByRole('menuitem', { name: 'Remove from group' }).click()
    await pa.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
    await pb.getByText('2 members').waitFor()
    await pa.getByText(`@${names[2]}`).waitFor({ state: 'detached' })

    await pa.getByRole('button', { name: `More for ${names[1]}` }).click()
    await pa.getByRole('menuitem', { name: 'Make owner' }).click()
    await pa.getByRole('alertdialog').getByRole('button', { name: 'Hand over' }).click()
    await pa.getByRole('button', { name: 'Delete for all' }).waitFor({ state: 'detached' })
    await pa.getByRole('button', { name: 'Leave' }).click()
    await pa.getByRole('alertdialog').getByRole('button', { name: 'Leave' }).click()
    await pa.getByText('This chat isn’t here').waitFor()
    await pb.getByText('1 member', { exact: true }).waitFor()
    await pb.getByRole('button', { name: 'Manage group' }).click()
    await pb.getByRole('button', { name: 'Delete for all' }).click()
    await pb.getByRole('alertdialog').getByRole('button', { name: 'Delete for all' }).click()
    await pb.getByText('This chat isn’t here').waitFor()
    expect([...a.mistakes, ...b.mistakes]).toEqual([])
    await Promise.all([a.context.close(), b.context.close()])
  })
})

describe('A session', () => {
  test('RegisterAndLogOut', async () => {
    const a = await Person.at(browser, service)
    const page = await a.tab('/people')
    await page.getByRole('button', { name: 'Register' }).click()
    await page.getByLabel('Username').fill(names[0])
    await page.getByLabel('Name (if you like)').fill('Somebody New')
    await page.getByLabel('Password').fill('correct horse')
    await page.getByRole('button', { name: 'Register' }).click()
    await page.getByText('This name is taken. Try another one.').waitFor()
    await page.getByLabel('Username').fill(`${names[0]}-new`)
    await page.getByRole('button', { name: 'Register' }).click()
    await live(page)
    expect(new URL(page.url()).pathname).toBe('/people') // where one wanted to go
    await page.getByRole('button', { name: 'Account of Somebody New' }).click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()
    await page.getByText('You are logged out.').waitFor()
    await page.reload()
    await page.getByLabel('Username').waitFor()
    expect(a.mistakes).toEqual([])
    await a.context.close()
  })
})
