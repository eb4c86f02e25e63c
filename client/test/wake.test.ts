import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Browser, Source, sleep } from './browser.js'

// Streams that died without a word, and what makes a page look after its own.

let browser: Browser

beforeEach(() => {
  browser = Browser.make()
})

describe('a stream that is silent', () => {
  it('for 75 s is given up, with an error that names the likely reason', async () => {
    const tab = browser.opened()
    await sleep(74_000)
    expect(tab.state.status).toBe('open')
    await sleep(1000)
    expect(tab.state.status).toBe('waiting')
    expect(tab.errors).toEqual(['silent'])
  })

  it('is not opened again when that error makes the page stop it', async () => {
    const tab = browser.opened()
    tab.client.events.onError(() => tab.client.events.disconnect())
    await sleep(600_000)
    expect(tab.state).toEqual({ status: 'closed', reason: 'stopped' })
    expect(Source.all).toHaveLength(1)
  })

  it('from the start is given up too: a proxy holds it back', async () => {
    const tab = browser.tab({ share: false }).connect()
    await sleep(80_000)
    expect(tab.errors).toEqual(['silent'])
  })

  it('but for heartbeats is alive', async () => {
    const tab = browser.opened()
    for (let i = 0; i < 20; i++) {
      await sleep(25_000)
      Source.last.frame('heartbeat', { ts: 1 })
    }
    expect(tab.states).toEqual(['connecting', 'open'])
    expect(Source.all).toHaveLength(1)
  })
})

describe('wakes up', () => {
  it('when the machine has slept: timers stood still, the clock did not', async () => {
    const tab = browser.opened()
    vi.setSystemTime(Date.now() + 3600_000)
    await sleep(5000)
    expect(tab.state.status).toBe('waiting')
  })

  it('at once when the page is looked at after a sleep', () => {
    const tab = browser.opened()
    vi.setSystemTime(Date.now() + 46_000)
    tab.visible(true)
    expect(tab.state.status).toBe('connecting')
    expect(Source.all).toHaveLength(2)
    expect(Source.open).toHaveLength(1)
  })

  it('out of a back-off when the page is looked at', () => {
    const tab = browser.opened()
    Source.last.fail()
    tab.visible(true)
    expect(tab.state.status).toBe('connecting')
  })

  it('when the network is back, since the old connection went with the old network', () => {
    const tab = browser.opened()
    tab.online(true)
    expect(Source.all).toHaveLength(2)
    expect(Source.open).toEqual([Source.last])
    expect(tab.state.status).toBe('connecting')
  })

  it('from the back/forward cache, at its position', async () => {
    const tab = browser.opened()
    tab.hide()
    expect(Source.open).toHaveLength(0)
    await sleep(600_000)
    expect(Source.all).toHaveLength(1)
    tab.show()
    expect(Source.last.position).toBe('p0')
    expect(Source.open).toHaveLength(1)
  })

  it('from a freeze', () => {
    const tab = browser.opened()
    tab.document.dispatchEvent(new Event('freeze'))
    expect(Source.open).toHaveLength(0)
    tab.document.dispatchEvent(new Event('resume'))
    expect(Source.open).toHaveLength(1)
  })

  it('not when there is no need', async () => {
    const tab = browser.opened()
    await sleep(20_000)
    tab.visible(true)
    tab.page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }))
    expect(Source.all).toHaveLength(1)
  })

  it('no more when it was stopped', async () => {
    const tab = browser.opened()
    tab.run(() => tab.client.events.disconnect())
    tab.online(true)
    tab.visible(true)
    tab.show()
    await sleep(600_000)
    expect(Source.all).toHaveLength(1)
  })

  it('does not close in a hidden tab', async () => {
    const tab = browser.opened()
    tab.visible(false)
    await sleep(20_000)
    expect(tab.state.status).toBe('open')
    expect(Source.open).toHaveLength(1)
  })
})
