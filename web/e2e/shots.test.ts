import { mkdirSync } from 'node:fs'
import axe from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Api, launch, live, Person, Service } from './harness'

// Every page at three widths, light and dark: axe must find nothing, nothing may be wider than the window, and the
// pictures in shots/ are there to be looked at.

let service: Service
let browser: Browser
let chat: string
let group: string
let bot: Api
let botChat: string
let alice: Api

beforeAll(async () => {
  mkdirSync('e2e/shots', { recursive: true })
  service = await Service.start()
  browser = await launch()
  alice = await service.as('alice')
  bot = await service.as('bot', 'Build bot')
  botChat = await alice.open(bot)
  for (let i = 0; i < 100; i++) await bot.say(botChat, `Build ${i} is green.`) // more than a badge counts
  const [bob, carol, nour, jonas, long] = await Promise.all([
    service.as('bob'),
    service.as('carol'),
    service.as('nour', 'نور الهدى'),
    service.as('jonas', 'Jonas Weber'),
    service.as('maximiliane', 'Maximiliane-Friederike von Donaudampfschifffahrtsgesellschaft'),
  ])
  const withLong = await alice.open(long)
  await long.say(withLong, 'Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz'.repeat(3))
  const withNour = await alice.open(nour)
  await nour.say(withNour, 'مرحبا، كيف حالك اليوم؟')
  const withCarol = await alice.open(carol)
  await carol.say(withCarol, 'Are we still on for Thursday?')
  await alice.say(withCarol, 'Yes! I’ll bring the cake.')
  group = await jonas.group('Climbers 🧗', alice, bob, carol, nour)
  for (const [who, text] of [
    [jonas, 'Morning! The forecast for Saturday looks good.'],
    [jonas, 'Shall we meet at the station at seven?'],
    [bob, 'Seven?! Half past.'],
    [nour, 'أنا قادمة'],
    [
      carol,
      'I have two ropes and some draws. Topo is here: https://example.org/topo/south-face?route=12. Look at pitch three.',
    ],
  ] as const) {
    await who.call('POST', `/api/groupchats/${group}/messages`, { content: text })
  }
  chat = await alice.open(bob)
  await bob.say(chat, 'Hey Alice 👋')
  await bob.say(chat, 'Did you see the talk about event logs?')
  await alice.say(chat, 'Not yet. Is it long?')
  await bob.say(
    chat,
    '40 minutes, worth it. The part about cursors is what we talked about last week: a position per log, and nothing that moves by the clock alone.\n\nI took some notes.',
  )
  await alice.say(chat, '🎉')
  await alice.say(chat, 'Send them over?')
  await alice.say(chat, 'I’m on the train until three, so I have the time.')
  await bob.call('POST', '/api/friends/request', { userId: alice.id })
  await alice.call('POST', '/api/friends/request', { userId: nour.id })
  await carol.call('POST', '/api/friends/request', { userId: alice.id })
  await alice.call('PUT', `/api/friends/request/${carol.id}-${alice.id}`, { action: 'accept' })
})

afterAll(async () => {
  await browser?.close()
  await service?.stop()
})

const widths = [
  [1280, 800],
  [768, 1024],
  [360, 740],
] as const

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  describe.each(widths)('%i px', (width, height) => {
    test('Pages', async () => {
      const person = await Person.at(browser, service, {
        viewport: { width, height },
        colorScheme,
        hasTouch: width < 500,
        reducedMotion: 'reduce',
      })
      const page = await person.tab()
      const check = (name: string) => checkPage(page, `${name}-${width}-${colorScheme}`)

      await page.getByLabel('Username').waitFor()
      await check('login')
      await page.getByRole('button', { name: 'Register' }).click()
      await check('register')
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByLabel('Username').fill('alice')
      await page.getByLabel('Password').fill('wrong horse')
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByRole('alert').waitFor()
      await check('login-failed')
      await page.getByLabel('Password').fill('correct horse')
      await page.getByRole('button', { name: 'Log in' }).click()
      await live(page)
      await page.locator('a.place').first().waitFor()
      await check('list')

      await page.getByRole('button', { name: /^Notifications/ }).click()
      await page.getByRole('heading', { name: 'Notifications' }).waitFor()
      await check('bell')
      await page.keyboard.press('Escape')

      await page.getByRole('button', { name: 'New chat' }).first().click()
      await page.getByRole('button', { name: 'New group' }).click()
      await page.getByLabel('Name of the group').fill('Book club')
      await page.getByRole('dialog').getByRole('searchbox').fill('b')
      await page.getByRole('button', { name: /@bob/ }).click()
      await check('new-group')
      await page.keyboard.press('Escape')

      await page.goto(`${service.url}/c/${chat}`)
      await live(page)
      await page.locator('.bubble').first().waitFor()
      await check('chat')

      await page.goto(`${service.url}/g/${group}`)
      await live(page)
      await page.locator('.bubble').first().waitFor()
      await check('group')
      await page.getByRole('button', { name: 'Manage group' }).click()
      await page.getByText('Owner').waitFor()
      await check('members')
      await page.keyboard.press('Escape')

      await page.goto(`${service.url}/people`)
      await live(page)
      await check('people')
      await page.route('**/api/friends/request/*', (route) => route.abort())
      await page.getByRole('button', { name: /^Withdraw/ }).click()
      await page.locator('.toast', { hasText: 'No connection to the service.' }).waitFor()
      await check('toast')
      await page.getByRole('button', { name: 'Dismiss' }).click()
      await page.getByRole('button', { name: 'More for carol' }).click()
      await page.getByRole('menuitem').waitFor()
      await check('menu')
      await page.getByRole('menuitem').click()
      await page.getByRole('alertdialog').waitFor()
      await check('confirm')
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: /^Account of/ }).click()
      await page.getByRole('menuitem', { name: 'Log out' }).waitFor()
      await check('account')
      await page.keyboard.press('Escape')
      await page.getByRole('link', { name: 'Operations' }).click()
      await page.getByText('Connections').waitFor()
      for (let i = 0; i < 60; i++) {
        await bot.say(botChat, `Build ${i} is green.`)
        await page.waitForTimeout(50)
      }
      await page.waitForTimeout(1000) // until the charts show it
      await check('ops')
      const theService = page.getByRole('region', { name: 'The service' })
      await alice.call('POST', '/api/events/receipts', { receipts: [{ type: 'message', latencyMs: 42 }] })
      await theService.getByRole('button', { name: 'Refresh all' }).click()
      await theService.getByRole('row', { name: /^message/ }).waitFor()
      await page.getByLabel('The streams of somebody').fill('alice')
      await page.getByRole('button', { name: 'Look up' }).click()
      await page.getByText(/^alice has/).waitFor()
      await page.getByText(/^alice has/).scrollIntoViewIfNeeded()
      await check('ops-service')
      await alice.call('POST', '/api/notifications/read-all', {})
      await page.goto(`${service.url}/c/1-999`)
      await live(page)
      await check('gone')

      expect(person.mistakes).toEqual([])
    }, 240_000) // twenty pages, each looked at by axe
  })
})

async function checkPage(page: Page, name: string) {
  // What fades in is there first.
  await page.evaluate(async () => {
    for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame)
    await Promise.allSettled(document.getAnimations().map((a) => a.finished))
  })
  await page.screenshot({ path: `e2e/shots/${name}.png` })
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} is too wide`).toBe(
    true,
  )
  await page.evaluate(axe.source)
  const found = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
  const violations = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200)).join(' | ')}`)
  expect(violations, name).toEqual([])
}
