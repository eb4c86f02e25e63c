import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Browser, browsers } from './browsers'
import { Service, until } from './harness'

// The heart of it in the browsers of other makes: a message comes as it is written, and a service that is killed loses
// and doubles nothing; with the app, and with the browser's own EventSource alone.

const password = 'correct horse'
const enter = '\uE007'

for (const { name, files, packages, start } of browsers) {
  const installed = files.every((f) => existsSync(f))
  describe.skipIf(!installed && process.env.TIDINGS_NO_SKIP !== '1')(name, () => {
    let service: Service
    let browser: Browser

    beforeAll(async () => {
      if (!installed) throw new Error(`${name} is not here (apt-get install ${packages}), and TIDINGS_NO_SKIP=1`)
      service = await Service.start()
      browser = await start()
    })

    afterAll(async () => {
      await browser?.close()
      await service?.stop()
    })

    test('App', async () => {
      const [alice, bob] = await Promise.all([service.as('alice'), service.as('bob')])
      const chat = await alice.open(bob)
      const say = async (from: number, to: number) => {
        for (let i = from; i < to; i++) await bob.say(chat, `line ${i}`)
      }
      const shows = (count: number) => {
        const want = JSON.stringify(Array.from({ length: count }, (_, i) => `line ${i}`))
        const script = `return [...document.querySelectorAll('.message .bubble')].map((m) => m.textContent)`
        return until(`the page shows ${count} messages`, async () => JSON.stringify(await browser.run(script)) === want)
      }
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
      await service.kill()
      await light('Offline')
      await service.up()
      await say(3, 6) // the page may be back for some of it, or for nothing
      await shows(6)
      await light('Live')
      await browser.type('textarea', `line 6${enter}`)
      await shows(7)
      await until('it is sent', async () => {
        const { messages } = await bob.call('GET', `/api/conversations/${chat}/messages`)
        return messages.at(-1).content === 'line 6'
      })
      await say(7, 8)
      await shows(8)
    })

    test('EventSource', async () => {
      const [carol, dave] = await Promise.all([service.as('carol'), service.as('dave')])
      const chat = await carol.open(dave)
      await browser.goTo(`${service.url}/metrics`) // the same origin, and no app
      await browser.run(
        `
        window.got = []
        window.states = []
        const login = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: arguments[0] }
        fetch('/api/auth/login', login).then(() => {
          const events = new EventSource('/api/events')
          events.onmessage = (e) => got.push(JSON.parse(e.data).eventId)
          events.addEventListener('ready', (e) => states.push(JSON.parse(e.data).resumed ? 'resumed' : 'ready'))
          events.addEventListener('reset', () => states.push('reset'))
          events.onerror = () => states.push(events.readyState === EventSource.CLOSED ? 'closed' : 'away')
        })
        `,
        JSON.stringify({ username: 'carol', password }),
      )
      const states = () => browser.run<string[]>('return states')
      const got = () => browser.run<string[]>('return got')
      // The log's first entry is its creation; then each message is three events.
      const events = (count: number) =>
        Array.from({ length: 3 * count }, (_, i) => `c:${chat}/${2 + Math.floor(i / 3)}/${1 + (i % 3)}`)
      const say = async (count: number) => {
        for (let i = 0; i < count; i++) await dave.say(chat, 'hello')
      }
      const has = (count: number) =>
        until(`it has ${count} messages`, async () => (await got()).at(-1) === events(count).at(-1))

      await until('the stream is ready', async () => (await states()).includes('ready'))
      await say(5)
      await has(5)
      for (let crash = 1; crash <= 2; crash++) {
        await service.kill()
        await until('it is noticed', async () => (await states()).at(-1) === 'away')
        await service.up()
        await say(5) // it may be back for some of it, or for nothing
        await has(5 + 5 * crash)
      }
      expect(await got()).toEqual(events(15))
      // Each time as many attempts as it took, and one resumption.
      expect((await states()).filter((s) => s !== 'away')).toEqual(['ready', 'resumed', 'resumed'])
    })
  })
}
