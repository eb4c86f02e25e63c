import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { test as base, onTestFinished, vi } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const password = 'correct horse'

/** The whole of Tidings in a process of its own, on free ports and with data of its own. */
export class Service {
  readonly #data = mkdtempSync(join(tmpdir(), 'tidings-e2e-'))
  #process: ChildProcess | undefined
  #output = ''
  readonly url: string

  private constructor(
    private readonly port: number,
    private readonly awsPort: number,
  ) {
    this.url = `http://localhost:${port}`
  }

  static async start(): Promise<Service> {
    for (const [file, make] of [
      ['bin/tidings', 'make bin/tidings'],
      ['web/dist/index.html', 'make web'],
    ] as const) {
      if (!existsSync(join(root, file))) throw new Error(`${file} is not there: ${make}`)
    }
    const s = new Service(await freePort(), await freePort())
    await s.up()
    return s
  }

  /** Starts the process, on the data that are there; returns when it is ready. */
  async up() {
    const env = {
      ...process.env,
      PORT: `${this.port}`,
      AWS_PORT: `${this.awsPort}`,
      DATA: this.#data,
      RATE_LIMITS: 'off',
    }
    this.#output = ''
    const p = spawn(join(root, 'bin/tidings'), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = p
    for (const out of [p.stdout, p.stderr]) out?.on('data', (b) => (this.#output += b))
    await until('the service is ready', async () => {
      if (p.exitCode !== null) throw new Error(`the service has ended: ${this.#output}`)
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined)
      return answer?.ok
    })
  }

  /** Kills it as hard as it goes. */
  async kill() {
    const p = this.#process
    if (!p || p.exitCode !== null || p.signalCode) return
    const ended = new Promise((resolve) => p.once('exit', resolve))
    p.kill('SIGKILL')
    await ended
  }

  async stop() {
    await this.kill()
    rmSync(this.#data, { recursive: true, force: true })
  }

  /** A user's own way to the API, past the page. */
  async as(username: string, displayName?: string): Promise<Api> {
    for (const route of ['register', 'login']) {
      const answer = await fetch(`${this.url}/api/auth/${route}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ username, password, ...(route === 'register' && displayName && { displayName }) }),
      })
      if (!answer.ok) continue
      const { token, user } = (await answer.json()) as { token: string; user: { id: number } }
      return new Api(this.url, token, user.id, username)
    }
    throw new Error(`${username} can't log in`)
  }
}

export class Api {
  constructor(
    readonly url: string,
    readonly token: string,
    readonly id: number,
    readonly name: string,
  ) {}

  // biome-ignore lint/suspicious/noExplicitAny: tests take from answers what they need
  async call(method: string, path: string, body?: unknown): Promise<any> {
    const answer = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, ...(body ? { 'Content-Type': 'application/json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }

  /** Opens the conversation with somebody and gives its id. */
  open = async (other: Api): Promise<string> =>
    (await this.call('POST', '/api/conversations', { userId: other.id })).conversation.id

  say = (conversation: string, content: string) =>
    this.call('POST', `/api/conversations/${conversation}/messages`, { content })

  group = async (name: string, ...members: Api[]): Promise<string> =>
    (await this.call('POST', '/api/groupchats', { name, memberIds: members.map((m) => m.id) })).groupChat.id
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const s = createServer()
    s.once('error', reject)
    s.listen(0, '127.0.0.1', () => {
      const { port } = s.address() as { port: number }
      s.close(() => resolve(port))
    })
  })
}

/** Waits for something that comes by itself, 20 s at most. */
export async function until(what: string, happened: () => Promise<unknown> | unknown) {
  await vi.waitUntil(happened, { timeout: 20_000, interval: 50 }).catch((e) => {
    throw new Error(`in vain waited until ${what}`, { cause: e })
  })
}

export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** Somebody's browser: its profile, and what went wrong in its pages. */
export class Person {
  readonly mistakes: string[] = []

  constructor(
    readonly context: BrowserContext,
    readonly url: string,
  ) {}

  /** One for a test; the pages close with it. */
  static async at(browser: Browser, service: Service, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB', ...options })
    context.setDefaultTimeout(20_000)
    onTestFinished(() => context.close())
    return new Person(context, service.url)
  }

  /** Opens a tab. */
  async tab(path = '/'): Promise<Page> {
    const page = await this.context.newPage()
    page.on('pageerror', (e) => this.mistakes.push(String(e)))
    page.on('console', (m) => {
      // A network that is away is no mistake of the page.
      if (m.type() === 'error' && !/Failed to load resource|net::ERR/.test(m.text())) this.mistakes.push(m.text())
    })
    await page.goto(this.url + path)
    return page
  }

  /** Opens a tab and logs in. */
  async enter(username: string, path = '/'): Promise<Page> {
    const page = await this.tab(path)
    await page.getByLabel('Username').fill(username)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Log in' }).click()
    await live(page)
    return page
  }
}

/** Waits until a page is there and live. */
export async function live(page: Page) {
  await page.locator('.light', { hasText: 'Live' }).waitFor({ state: 'attached' })
}

export const write = async (page: Page, text: string) => {
  await page.getByRole('textbox', { name: 'Message' }).fill(text)
  await page.getByRole('textbox', { name: 'Message' }).press('Enter')
}

/** The texts of the messages on a page, in order. */
export const texts = (page: Page) => page.locator('.message .bubble').allTextContents()

let round = 0

/** A test with a service and a browser, which those of a file share, and with people of its own. */
export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from it that nothing else is needed
  .extend('service', { scope: 'file' }, async ({}, { onCleanup }) => {
    const service = await Service.start()
    onCleanup(() => service.stop())
    return service
  })
  // biome-ignore lint/correctness/noEmptyPattern: Vitest reads from it that nothing else is needed
  .extend('browser', { scope: 'file' }, async ({}, { onCleanup }) => {
    const browser = await launch()
    onCleanup(() => browser.close())
    return browser
  })
  .extend('round', () => ++round)
  .extend('alice', ({ service, round }) => service.as(`alice${round}`))
  .extend('bob', ({ service, round }) => service.as(`bob${round}`))
  .extend('carol', ({ service, round }) => service.as(`carol${round}`))
