import { describe, expect, it } from 'vitest'
import { Browser, Source, sleep, type Tab } from './browser.js'
import { Service } from './service.js'

// Whatever tabs do, and however late they hear of each other: each sees the log in
// order, each entry once, without a hole but where a reset says so.

describe('a browser that nobody can trust', () => {
  it.each(Array.from({ length: Number(process.env.SEEDS ?? 300) }, (_, i) => i + 1))('seed %i', async (seed) => {
    const world = new World(seed)
    for (let i = 0; i < 4; i++) world.open()
    await sleep(200)
    for (let step = 0; step < 120; step++) {
      await world.act()
      await sleep(world.random(60))
    }
    await world.settle()
    expect(Source.open).toHaveLength(1)
    for (const page of world.pages) expectAll(page, world.service.ids())
  })
})

/** A small generator, so that a failure can be run again. */
function random(seed: number) {
  let s = seed
  return (n: number) => {
    s = (s * 48271) % 2147483647
    return s % n
  }
}

/** A tab, and how long the log was when its lists were fetched; -1 before. */
interface Page {
  tab: Tab
  from: number
}

class World {
  readonly random: (n: number) => number
  readonly browser = Browser.make()
  readonly service = new Service()
  /** Those that have not crashed. */
  readonly pages: Page[] = []

  constructor(seed: number) {
    this.random = random(seed * 7919)
    this.browser.delay = () => this.random(40)
  }

  open() {
    const page = { tab: this.browser.tab(), from: -1 }
    page.tab.client.events.on('ready', () => {
      if (page.from >= 0) return
      page.from = this.service.log.length
      page.tab.seen.length = 0 // its lists are fetched now
    })
    this.pages.push(page)
    page.tab.connect()
  }

  /** Does something at random. */
  async act() {
    const { random: r, service, pages } = this
    const page = pages.length ? pages[r(pages.length)]! : undefined
    switch (r(14)) {
      case 0:
        if (pages.length < 7) this.open()
        break
      case 1:
        if (page && pages.length > 2) {
          page.tab.crash()
          pages.splice(pages.indexOf(page), 1)
        }
        break
      case 2:
        page?.tab.hide()
        break
      case 3:
        for (const p of pages) if (!p.tab.frozen) p.tab.show()
        break
      case 4:
        if (r(3) === 0) page?.tab.freeze()
        break
      case 5:
        for (const p of pages) p.tab.thaw()
        break
      case 6:
        for (const s of Source.open) s.fail()
        break
      case 7:
        await sleep(r(30_000))
        break
      case 8:
        page?.tab.visible(true)
        break
      case 9:
        if (r(4) === 0) page?.tab.online(true)
        break
      case 10:
        service.heartbeat()
        break
      default:
        service.publish(1 + r(3))
    }
  }

  /** Lets all come back, waits until they have, and publishes something more. */
  async settle() {
    for (const { tab } of this.pages) {
      tab.thaw()
      tab.show()
    }
    for (let i = 0; i < 12; i++) {
      await sleep(10_000)
      this.service.heartbeat()
    }
    this.service.publish(3)
    await sleep(1000)
  }
}

/** That a page is live, and has seen what came after its lists. */
function expectAll({ tab, from }: Page, log: string[]) {
  expect(tab.state.status).toBe('open')
  const numbers = tab.seen.map((id) => (id.startsWith('reset') ? id : log.indexOf(id)))
  let last: number | undefined // none: before the first one, or after a gap that was told
  for (const n of numbers) {
    if (typeof n === 'string') last = undefined
    else {
      expect(last ?? n - 1, `${numbers}`).toBe(n - 1)
      last = n
    }
  }
  expect(last).toBe(log.length - 1)
  const [first] = numbers
  if (typeof first === 'number') expect(first, `${numbers}`).toBeLessThanOrEqual(from)
  expect(tab.errors.filter((e) => e !== 'silent')).toEqual([])
}
