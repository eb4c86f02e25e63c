import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { documents, generate, golden } from '../scripts/generate.mjs'
import { events, notification } from './golden.gen.js'

const { asyncapi } = documents()

describe('the types', () => {
  it.each(Object.entries(generate()))('%s is what the documents give (npm run generate)', (path, text) => {
    expect(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')).toBe(text)
  })
})

// The types are made from the schema, golden.gen.ts holds the golden files to the types,
// and this holds them to the schema.
describe('what the service sends', () => {
  const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } })
  ajv.addSchema(asyncapi, 'doc')
  const check = (path: string, data: unknown) => {
    const valid = ajv.getSchema(`doc#${path}`)!
    return valid(data) ? [] : valid.errors
  }

  it('has golden files of every event but the ephemeral ones, which have examples', () => {
    const types = new Set(events.map((e) => e.type as string))
    for (const m of Object.values(asyncapi.components.messages) as {
      name: string
      payload: { required?: string[] }
    }[]) {
      if (m.name === 'custom') continue // of any type
      if (m.payload.required?.includes('eventId')) expect(types).toContain(m.name)
    }
  })

  it.each(golden().events.map((e) => [e.eventId, e.type, e] as const))('%s %s fits the schema', (_, type, event) => {
    expect(check(`/components/messages/${type}/payload`, event)).toEqual([])
  })

  it('a custom event fits the schema', () => {
    const custom = asyncapi.components.messages.custom
    expect(check('/components/messages/custom/payload', custom.examples[0].payload)).toEqual([])
  })

  it('the notification of a custom event fits the schema', () => {
    expect(check('/components/schemas/Notification', notification)).toEqual([])
  })

  it('the check can fail', () => {
    expect(check('/components/schemas/Notification', { ...notification, read: 'no' })).not.toEqual([])
  })
})
