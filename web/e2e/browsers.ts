import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './harness'

/** The commands of W3C WebDriver that are needed: their names in Firefox's own protocol, and their HTTP paths. */
const commands = {
  goTo: ['WebDriver:Navigate', 'url'],
  find: ['WebDriver:FindElement', 'element'],
  click: ['WebDriver:ElementClick', 'element/{id}/click'],
  type: ['WebDriver:ElementSendKeys', 'element/{id}/value'],
  run: ['WebDriver:ExecuteScript', 'execute/sync'],
} as const

interface Driver {
  send(command: keyof typeof commands, params: Record<string, unknown>): Promise<unknown>
  close(): Promise<void>
}

/** The key under which WebDriver hands out elements. */
const elementKey = 'element-6066-11e4-a52e-4f735466cecf'

/** A browser that Playwright doesn't drive as it comes, with one window. */
export class Browser {
  constructor(private readonly driver: Driver) {}

  goTo = (url: string) => this.driver.send('goTo', { url })

  close = () => this.driver.close()

  /** Clicks what a selector finds, once it is there. */
  async click(selector: string) {
    await this.driver.send('click', { id: await this.#find(selector) })
  }

  /** Types into what a selector finds, once it is there. */
  async type(selector: string, text: string) {
    await this.driver.send('type', { id: await this.#find(selector), text })
  }

  /** Runs the body of a function in the page. */
  async run<T>(script: string, ...args: unknown[]): Promise<T> {
    return (await this.driver.send('run', { script, args })) as T
  }

  async #find(selector: string): Promise<string> {
    let element: unknown
    await until(`there is ${selector}`, async () => {
      element = await this.driver.send('find', { using: 'css selector', value: selector }).catch(() => undefined)
      return element
    })
    return (element as Record<string, string>)[elementKey]!
  }
}

/** Where Debian puts the browsers. */
const firefox = '/usr/bin/firefox-esr'
const webkitDriver = '/usr/bin/WebKitWebDriver'
const xvfb = '/usr/bin/Xvfb'

/** What there is: which files show that a browser is here, the Debian packages that they are from, how it starts. */
export const browsers = [
  {
    name: 'Firefox',
    files: [firefox],
    packages: 'firefox-esr',
    start: async () => new Browser(await Marionette.start()),
  },
  {
    name: 'WebKit',
    files: [webkitDriver, xvfb],
    packages: 'webkit2gtk-driver xvfb',
    start: async () => new Browser(await WebKitDriver.start()),
  },
]

/** Firefox, over Marionette: its own protocol under WebDriver, which needs no program in between. */
class Marionette implements Driver {
  readonly #process: ChildProcess
  readonly #profile: string
  readonly #answers = new Map<number, (error: { message: string } | null, result: unknown) => void>()
  #socket: Socket | undefined
  #sent = 0

  private constructor() {
    this.#profile = mkdtempSync(join(tmpdir(), 'tidings-firefox-'))
    writeFileSync(join(this.#profile, 'user.js'), 'user_pref("marionette.port", 0);\n')
    this.#process = spawn(firefox, ['--headless', '--no-remote', '--marionette', '--profile', this.#profile], {
      stdio: 'ignore',
    })
  }

  static async start(): Promise<Marionette> {
    const m = new Marionette()
    try {
      const portFile = join(m.#profile, 'MarionetteActivePort')
      await until('Firefox listens', () => existsSync(portFile) && readFileSync(portFile, 'utf8'))
      await m.#connect(Number(readFileSync(portFile, 'utf8')))
      await m.#call('WebDriver:NewSession', {})
      return m
    } catch (e) {
      await m.close()
      throw e
    }
  }

  async #connect(port: number) {
    const socket = connect(port, '127.0.0.1')
    this.#socket = socket
    // What Firefox sends is the length in bytes, a colon and JSON; first a greeting, then answers.
    let pending = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      pending = Buffer.concat([pending, bytes])
      for (;;) {
        const colon = pending.indexOf(':')
        const end = colon + 1 + Number(pending.subarray(0, Math.max(0, colon)))
        if (colon < 0 || pending.length < end) return
        const message = JSON.parse(pending.toString('utf8', colon + 1, end))
        pending = pending.subarray(end)
        if (!Array.isArray(message)) continue
        const [, id, error, result] = message
        this.#answers.get(id)?.(error, result)
        this.#answers.delete(id)
      }
    })
    socket.on('close', () => {
      for (const answer of this.#answers.values()) answer({ message: 'Firefox is gone' }, undefined)
    })
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  }

  #call(name: string, params: Record<string, unknown>): Promise<unknown> {
    const id = ++this.#sent
    const message = JSON.stringify([0, id, name, params])
    return new Promise((resolve, reject) => {
      this.#answers.set(id, (error, result) =>
        error ? reject(new Error(`${name}: ${error.message}`)) : resolve((result as { value?: unknown } | null)?.value),
      )
      this.#socket?.write(`${Buffer.byteLength(message)}:${message}`)
    })
  }

  // Scripts run in the page's own world, else one would not find what another left.
  send: Driver['send'] = (command, params) => this.#call(commands[command][0], params)

  async close() {
    this.#socket?.destroy()
    await kill(this.#process)
    // Its other processes may write for a moment more.
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10 })
  }
}

/** WebKitGTK's own small browser, over WebDriver as it stands in the standard; it needs a display. */
class WebKitDriver implements Driver {
  readonly #processes: ChildProcess[] = []
  #session = ''

  static async start(): Promise<WebKitDriver> {
    const d = new WebKitDriver()
    try {
      const display = await d.#display()
      const port = await freePort()
      const env = { ...process.env, DISPLAY: display, NO_AT_BRIDGE: '1' }
      d.#processes.unshift(spawn(webkitDriver, [`--port=${port}`], { env, stdio: 'ignore' }))
      const root = `http://127.0.0.1:${port}`
      await until('WebKitWebDriver listens', () => fetch(`${root}/status`).catch(() => undefined))
      const browserOptions = { binary: miniBrowser(), args: ['--automation'] }
      const { sessionId } = (await http('POST', `${root}/session`, {
        capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': browserOptions } },
      })) as { sessionId: string }
      d.#session = `${root}/session/${sessionId}`
      return d
    } catch (e) {
      await d.close()
      throw e
    }
  }

  /** Starts a display of its own, under a number that is free. */
  async #display(): Promise<string> {
    const args = ['-displayfd', '1', '-nolisten', 'tcp', '-screen', '0', '1280x900x24']
    const x = spawn(xvfb, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    this.#processes.unshift(x)
    let number = ''
    x.stdout.on('data', (b) => (number += b))
    await until('the display is there', () => number.endsWith('\n'))
    return `:${number.trim()}`
  }

  send: Driver['send'] = (command, { id, ...params }) =>
    http('POST', `${this.#session}/${commands[command][1].replace('{id}', String(id))}`, params)

  async close() {
    if (this.#session) await http('DELETE', this.#session).catch(() => undefined) // or it has ended already
    for (const p of this.#processes) await kill(p)
  }
}

function miniBrowser(): string {
  for (const arch of readdirSync('/usr/lib')) {
    const file = `/usr/lib/${arch}/webkit2gtk-4.1/MiniBrowser`
    if (existsSync(file)) return file
  }
  throw new Error('there is no MiniBrowser of WebKitGTK')
}

async function http(method: string, url: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(url, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
  const { value } = (await answer.json()) as { value: unknown }
  if (!answer.ok) throw new Error(`${method} ${url}: ${(value as { message: string }).message}`)
  return value
}

async function kill(p: ChildProcess) {
  if (p.pid === undefined || p.exitCode !== null || p.signalCode) return
  const ended = new Promise((resolve) => p.once('exit', resolve))
  p.kill('SIGKILL')
  await ended
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
