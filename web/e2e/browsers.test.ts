import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Browser, browsers } from './browsers'
import { type Api, Service, until } from './harness'

// The heart of it in the browsers of the other makes: a message comes as it is written, and a service that is killed
// loses and doubles nothing; with the app, and with the browser's own EventSource alone.

const password = 'correct horse'
const enter = '\uE007'

for (const { name, installed, start } of browsers) {
  // TIDINGS_NO_SKIP makes it a failure that a browser is missing.
  describe.skipIf(!installed() && process.env.TIDINGS_NO_SKIP !== '1')(name, () => {
    let service: Service
    let browser: Browser
    let alice: Api
    let bob: Api
    let chat: string

    beforeEach(async () => {
      service = await Service.start()
      ;[alice, bob] = await Promise.all([service.as('alice'), service.as('bob')])
      chat = await alice.open(bob)
      browser = await start()
    })

    afterEach(async () => {
      await browser?.close()
      await service?.stop()
    })

    const say = async (from: number, to: number) => {
      for (let i = from; i < to; i++) await bob.say(chat, `line ${i}`)
    }

    test('App', async () => {
      const texts = () =>
        browser.run<string[]>(`return [...document.querySelectorAll('.message .bubble')].map((m) => m.textContent)`)
      const shows = (count: number) =>
        until(`the page shows ${count} messages`, async () => {
          const want = Array.from({ length: count }, (_, i) => `line ${i}`)
          return JSON.stringify(await texts()) === JSON.stringify(want)
        })
      const light = (text: string) =>
        until(`the page says ${text}`, async () =>
          (await browser.run<string>(`return document.querySelector('.light')?.textContent ?? ''`)).includes(text),
        )

      await browser.goTo(`${service.url}/c/${chat}`)
      await browser.type('input[name=username]', 'alice')
      await browser.type('input[name=password]', password)
      await browser.click('button[type=submit]')
      await light('Live')
      await say(0, 3)
      await shows(3)
      await browser.type('textarea', `line 3${enter}`)
      await shows(4)

      await service.kill()
      await light('Offline')
      await browser.type('textarea', `line 4${enter}`) // waits for the service
      await shows(5)
      await service.up()
      await light('Live')
      await say(5, 8)
      await shows(8)
      await until('all of it is sent', async () => {
        const { messages } = await alice.call('GET', `/api/conversations/${chat}/messages`)
        return messages.length === 8
      })
      expect(await browser.run(`return document.querySelectorAll('.message.unsent, .message.failed').length`)).toBe(0)
      await browser.goTo(`${service.url}/c/${chat}`)
      await shows(8)
    })

    test('EventSource', async () => {
      await browser.goTo(`${service.url}/healthz`) // a page of the same origin, with nothing in it
      await browser.run(
        `
        window.got = []
        window.states = []
        const login = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: arguments[0] }
        fetch('/api/auth/login', login).then(() => {
          const events = new EventSource('/api/events')
          events.onmessage = (e) => got.push(JSON.parse(e.data).eventId)
          events.addEventListener('ready', (e) => states.push(JSON.parse(e.data).resumed ? 'resumed' : 'ready'))
          events.addEventListener('reset', (e) => states.push('reset'))
          events.onerror = () => states.push(events.readyState === EventSource.CLOSED ? 'closed' : 'away')
        })
        `,
        JSON.stringify({ username: 'alice', password }),
      )
      const states = () => browser.run<string[]>('return states')
      const got = () => browser.run<string[]>('return got')
      // The conversation's first entry is its creation; each message is three events.
      const ids = (count: number) =>
        Array.from({ length: 3 * count }, (_, i) => `c:${chat}/${2 + Math.floor(i / 3)}/${1 + (i % 3)}`)
      const has = (count: number) =>
        until(`it has ${count} messages`, async () => (await got()).includes(ids(count).at(-1)!))

      await until('the stream is ready', async () => (await states()).includes('ready'))
      await say(0, 5)
      await has(5)
      for (let crash = 1; crash <= 2; crash++) {
        await service.kill()
        await until('it is noticed', async () => (await states()).at(-1) === 'away')
        await service.up()
        await say(5 * crash, 5 * crash + 5) // some before it is back, or all
        await has(5 * crash + 5)
      }
      expect(await got()).toEqual(ids(15))
      // Each time one resumption, and as many attempts before as it took.
      const known = await states()
      expect(known.filter((s) => s !== 'away')).toEqual(['ready', 'resumed', 'resumed'])
    })
  })
}
