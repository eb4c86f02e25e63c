// Makes src/schema.gen.ts from docs/asyncapi.yaml and docs/openapi.yaml, and
// test/golden.gen.ts from the service's golden files. The documents are made from the
// Go code, so the types can't drift from what the service sends. They are erased by
// the compiler; a check at run time would cost every page more than the whole stream.
//
//   node scripts/generate.mjs          writes both
//   import { generate }                gives them as text (test/schema.test.ts compares)
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { parse } from 'yaml'

const root = new URL('../../', import.meta.url)
const read = (path) => readFileSync(new URL(path, root), 'utf8')
const header = '// Made from docs/ and the golden files: npm run generate\n\n'

// DOM has a MessageEvent of its own.
const renamed = { MessageEvent: 'MessageData' }

export function documents() {
  return { asyncapi: parse(read('docs/asyncapi.yaml')), openapi: parse(read('docs/openapi.yaml')) }
}

/** The frames of internal/chat/testdata, as they stand on the wire of one reader. */
export function golden() {
  const dir = 'internal/chat/testdata/'
  const users = { alice: 1, bob: 2 }
  const events = []
  for (const file of readdirSync(new URL(dir, root)).sort()) {
    if (!file.startsWith('event_')) continue
    for (const line of read(dir + file).split('\n')) {
      const m = /^(\S+) (\S+) (\S+) (.*)$/.exec(line)
      if (m) events.push({ userId: users[m[1]], type: m[3], data: JSON.parse(m[4]), eventId: m[2] })
    }
  }
  return { events, notification: JSON.parse(read(`${dir}custom_notification.json`)) }
}

const refName = (ref) => renamed[ref.split('/').pop()] ?? ref.split('/').pop()
const comment = (text, indent) => (text ? `${indent}/** ${text.replaceAll('\n', ' ')} */\n` : '')

function typeOf(s, indent = '') {
  if (s.$ref) return refName(s.$ref)
  if ('const' in s) return JSON.stringify(s.const)
  if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(' | ')
  if (s.anyOf) return s.anyOf.map((a) => typeOf(a, indent)).join(' | ')
  if (Array.isArray(s.type)) return s.type.map((type) => typeOf({ ...s, type }, indent)).join(' | ')
  switch (s.type) {
    case 'string':
    case 'boolean':
    case 'null':
      return s.type
    case 'integer':
    case 'number':
      return 'number'
    case 'array': {
      const of = typeOf(s.items, indent)
      return /^\w+$/.test(of) ? `${of}[]` : `(${of})[]`
    }
    case 'object':
      return s.properties ? `{\n${fields(s, `${indent}  `)}${indent}}` : 'Record<string, never>'
    case undefined:
      return 'unknown' // any value
  }
  throw new Error(`no type for ${JSON.stringify(s)}`)
}

function fields(s, indent) {
  const required = new Set(s.required)
  return Object.entries(s.properties ?? {})
    .map(([name, p]) => {
      const optional = required.has(name) ? '' : '?'
      return `${comment(p.description, indent)}${indent}${name}${optional}: ${typeOf(p, indent)}\n`
    })
    .join('')
}

/** What the documents' schemas are called and are; both must mean the same by a name. */
function schemas({ asyncapi, openapi }) {
  const all = new Map(Object.entries(openapi.components.schemas))
  for (const [name, s] of Object.entries(asyncapi.components.schemas)) {
    if (all.has(name) && !isDeepStrictEqual(all.get(name), s)) throw new Error(`${name} differs between the documents`)
    all.set(name, s)
  }
  return [...all].sort(([a], [b]) => (a < b ? -1 : 1))
}

function eventMaps({ asyncapi }) {
  let events = '/** The data of each type of event. */\nexport interface EventMap {\n'
  let controls = '/** The data of the events by which the stream speaks of itself. */\nexport interface ControlMap {\n'
  for (const m of Object.values(asyncapi.components.messages)) {
    if (m.name === 'custom') continue // typed by whoever emits them: CustomEvents
    const line = (type) => `${comment(m.summary, '  ')}  ${m.name}: ${type}\n`
    if (m.payload.$ref) controls += line(refName(m.payload.$ref))
    else events += line(refName(m.payload.properties.data.$ref))
  }
  return `${events}}\n\n${controls}}\n`
}

function routes({ openapi }) {
  let out = '/** What each route takes and answers with. */\nexport interface Routes {\n'
  for (const [path, methods] of Object.entries(openapi.paths)) {
    for (const [method, op] of Object.entries(methods)) {
      const json = (r) => r?.content?.['application/json']?.schema
      const answers = Object.entries(op.responses)
        .filter(([status]) => status < 300)
        .map(([, r]) => (json(r) ? typeOf(json(r)) : 'undefined'))
      if (op.responses[200]?.content?.['text/event-stream']) continue // the stream
      out += `${comment(op.summary, '  ')}  '${method.toUpperCase()} ${path}': {\n`
      for (const where of ['path', 'query']) {
        const list = (op.parameters ?? []).filter((p) => p.in === where)
        if (!list.length) continue
        const of = list.map((p) => {
          const type = where === 'path' ? 'string | number' : typeOf(p.schema)
          return `${comment(p.description, '      ')}      ${p.name}${p.required ? '' : '?'}: ${type}\n`
        })
        out += `    ${where}: {\n${of.join('')}    }\n`
      }
      const body = json(op.requestBody)
      if (body) out += `    body: ${typeOf(body, '    ')}\n`
      out += `    answer: ${[...new Set(answers)].join(' | ')}\n  }\n`
    }
  }
  return `${out}}\n`
}

/** Every code that a problem can have. */
function codes({ openapi }) {
  const found = new Set()
  for (const r of Object.values(openapi.components.responses)) {
    for (const c of r.content?.['application/problem+json']?.schema?.properties?.code?.enum ?? []) found.add(c)
  }
  const list = [...found].sort().map((c) => `\n  | '${c}'`)
  return `/** The codes of the service's errors. */\nexport type ProblemCode =${list.join('')}\n`
}

const format = (name, text) =>
  execFileSync(
    fileURLToPath(new URL('../node_modules/.bin/biome', import.meta.url)),
    ['format', '--stdin-file-path', name],
    {
      input: text,
      encoding: 'utf8',
      cwd: fileURLToPath(new URL('..', import.meta.url)),
    },
  )

export function generate() {
  const docs = documents()
  const types = schemas(docs).map(
    ([name, s]) => `${comment(s.description, '')}export interface ${renamed[name] ?? name} {\n${fields(s, '  ')}}\n`,
  )
  const { events, notification } = golden()
  return {
    'src/schema.gen.ts': format(
      'src/schema.gen.ts',
      header + [eventMaps(docs), ...types, routes(docs), codes(docs)].join('\n'),
    ),
    'test/golden.gen.ts': format(
      'test/golden.gen.ts',
      `${header}import type { Notification, TidingsEvent } from '../src/index.js'\n
// The compiler holds what the service really sends to the types.
export const events = ${JSON.stringify(events, null, 2)} satisfies TidingsEvent[]\n
export const notification = ${JSON.stringify(notification, null, 2)} satisfies Notification\n`,
    ),
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(generate())) writeFileSync(new URL(`../${path}`, import.meta.url), text)
}
