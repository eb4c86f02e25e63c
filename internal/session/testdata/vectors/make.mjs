// Makes vectors.json: session tokens of the real packages, with all that a test
// needs to read them. The keys are fixed, the time too; ids and IVs are drawn anew.
//
//   npm ci && npm run make

import { createRequire } from "node:module"
import { readFileSync, writeFileSync } from "node:fs"

// Time stands still, and can be set back for tokens that are over by then.
const start = Date.UTC(2026, 0, 2, 3, 4, 5)
const day = 24 * 60 * 60
let now = start
const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length > 0) super(...args)
    else super(now)
  }
  static now() {
    return now
  }
}

const require = createRequire(import.meta.url)
const v4 = require("next-auth/jwt")
const { SessionStore: Store4 } = require("./node_modules/next-auth/core/lib/cookie.js")
const v5 = await import("@auth/core/jwt")
const { SessionStore: Store5 } = await import("./node_modules/@auth/core/lib/utils/cookie.js")

const version = (name) => JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).version
const silent = { debug() {} }
const secret = "a secret of the tests, of no use elsewhere"
const older = "the secret before that one"
const ann = { name: "Ann Lee", email: "ann@example.org", picture: null, sub: "cm5ann0001" }

const vectors = []

// add has the package make one session. options: token, secret, maxAge in seconds,
// age in seconds before `start`, refreshes (as each call of the app's own
// /api/auth/session does).
async function add(name, cookie, options = {}) {
  const { token = ann, secret: key = secret, maxAge = 80 * 365 * day, age = 0, refreshes = 0 } = options
  const four = cookie.includes("next-auth.")
  // v4 derives its key without a salt, v5 with the cookie's name.
  const common = four ? { secret: key, maxAge } : { secret: key, maxAge, salt: cookie }
  const jwt = four ? v4 : v5
  now = start - age * 1000
  let sealed = await jwt.encode({ ...common, token })
  let claims = await jwt.decode({ ...common, token: sealed })
  for (let i = 0; i < refreshes; i++) {
    now += 60_000
    sealed = await jwt.encode({ ...common, token: claims })
    claims = await jwt.decode({ ...common, token: sealed })
  }
  const store = four
    ? new Store4({ name: cookie, options: {} }, { cookies: {} }, silent)
    : new Store5({ name: cookie, options: {} }, {}, silent)
  const cookies = store.chunk(sealed, {}).map(({ name, value }) => ({ name, value }))
  const { permissions, ...rest } = claims // which are there for their length
  const of = four ? "next-auth" : "@auth/core"
  vectors.push({ name, package: `${of}@${version(of)}`, cookie, secret: [key].flat().at(0), claims: rest, cookies })
}

for (const [v, plain] of [
  ["v4", "next-auth.session-token"],
  ["v5", "authjs.session-token"],
]) {
  await add(`${v} default`, plain)
  await add(`${v} secure`, `__Secure-${plain}`)
  await add(`${v} chunked`, plain, { token: { ...ann, permissions: "p".repeat(5000) } })
  await add(`${v} secure chunked`, `__Secure-${plain}`, { token: { ...ann, permissions: "p".repeat(8000) } })
  await add(`${v} expired`, plain, { age: 60 * day, maxAge: 30 * day })
  await add(`${v} refreshed`, plain, { age: 60, refreshes: 1 })
  await add(`${v} numeric sub`, plain, { token: { ...ann, sub: "17" } })
  await add(`${v} sid`, plain, { token: { ...ann, sid: "laptop" } })
  await add(`${v} older secret`, plain, { secret: older })
}
// Auth.js takes the id of a Credentials provider's user as it is, and keeps several
// secrets, of which the first encrypts.
await add("v5 numeric sub as a number", "authjs.session-token", { token: { ...ann, sub: 17 } })
await add("v5 rotated", "authjs.session-token", { secret: [secret, older] })

writeFileSync("vectors.json", JSON.stringify(vectors, null, 2) + "\n")
console.log(`${vectors.length} vectors`)
