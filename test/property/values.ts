// Values made from a schema: values that fit it, and values that nearly fit it.
import fc from 'fast-check'
import { faults, resolved, type Schema } from '../support/spec.ts'

/** The rows that the user of every request owns, under the ids of the spec's examples. */
export const owned = {
  categoryId: '019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01',
  taskId: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12',
  itemId: '019c5a20-ee00-7f55-8a61-5e7a9cbd3f05',
  calendarId: '019c5a21-5e6f-7b12-9c34-8d5e6f7a0c08',
  webhookId: '019c5a21-7a8b-7d34-8e56-9f7a8b9c0d0a',
  name: 'Existing',
  label: 'travel',
  dueDate: '2027-01-01',
}
/** The same by the name of a parameter. */
export const ownedAs = new Map(Object.entries(owned))

type Limits = { minLength?: number; maxLength?: number; minimum?: number; maximum?: number; minItems?: number; maxItems?: number }
type Rules = Limits & { enum?: unknown[]; format?: string; pattern?: string; properties?: Record<string, Schema> }

// NUL, halves of characters, other directions, joiners, invisible characters, and characters with a meaning in SQL, JSON, arrays or URLs.
const odd = [
  ...['\0', '\ud800', '\udfff', '\u0001', '\n', '\t', '\u007f', '\u0085', '\u00a0', '\u200d', '\u2028', '\u202e', '\ufeff', '\uffff'],
  ...['\u200b', '\u00ad', '\u2800'],
  ...`e\u0301 👩‍👩‍👧 😀 𝄞 שלום ß İ ς ﬁ ٣ ５ ' " \\ { } [ , ; % & + # / ~ NULL -- $1 %00 %s EXISTING ${owned.name}`.split(' '),
]
const oddNames = ['__proto__', 'constructor', 'toString', '', 'unknown', 'a/b~c', 'ID', 'revision', 'owner_id', '\ud800', '\0', 'title ']

/** Text of all kinds. */
export const text: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  // The same as with the unit `binary`, whose table of all code points takes seconds to make.
  fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 20 }).map(points => String.fromCodePoint(...points)),
  fc.string({ unit: fc.constantFrom(...odd), maxLength: 5 }),
  fc.constantFrom(...odd),
)

// Rules that are accepted, also only for some due dates, and others.
const recurrenceRules = [
  ...['FREQ=DAILY', 'FREQ=WEEKLY;BYDAY=MO,FR', 'FREQ=MONTHLY;BYMONTHDAY=-1', 'FREQ=YEARLY;COUNT=3', 'FREQ=DAILY;UNTIL=20270101'],
  ...['FREQ=DAILY;INTERVAL=7;BYDAY=FR', 'FREQ=HOURLY', 'FREQ=DAILY;BYHOUR=9', 'FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30', 'FREQ=DAILY;COUNT=0'],
]

// URLs that webhooks may have, and others.
const urls = [
  ...[
    'https://example.com/hook',
    'https://example.com:8443/?a=1&b=%20',
    'https://8.8.8.8',
    'https://[2606:4700::1111]/',
    'https://xn--bcher-kva.example',
  ],
  ...[
    'http://example.com',
    'https://127.1/',
    'https://[::ffff:10.0.0.1]',
    'https://a@example.com',
    'https://example.com:99999',
    'https://localhost',
  ],
]

const rawJson = (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON
const nested = (depth: number) => Array.from({ length: depth }).reduce<unknown>(inner => [inner], 1)

/** Values of every type; numbers also in spellings that JSON.stringify doesn't use. */
const anything: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, 0, 5, 1.5, -1, 2 ** 53, 1e21, '', '5', 'true', 'null'),
  fc.constantFrom('-0', '1e400', '-1e400', '1.0', '1E0', '0.1e1', '9'.repeat(400), '1e-400').map(rawJson),
  fc.constantFrom<unknown>([], {}, [[]], [null], { $ref: '#' }, nested(500)),
  text,
  fc.jsonValue({ maxDepth: 2 }),
)

/** Only values that fit. */
export const fitting = once(schema => {
  const fits = ofKind(schema).filter(value => faults(schema, JSON.parse(JSON.stringify(value))).length === 0)
  return [schema.type].flat().includes('null') ? maybe(fits, null) : fits
})

/** The same arbitrary for the same schema: some take long to make. */
function once(make: (schema: Schema) => fc.Arbitrary<unknown>): (reference: Schema) => fc.Arbitrary<unknown> {
  const made = new Map<Schema, fc.Arbitrary<unknown>>()
  return reference => {
    const schema = resolved(reference)
    const arbitrary = made.get(schema) ?? make(schema)
    made.set(schema, arbitrary)
    return arbitrary
  }
}

/** Every second value is the other; `fc.option` has more of them the deeper it is. */
export function maybe<Value, Other>(arbitrary: fc.Arbitrary<Value>, other: Other): fc.Arbitrary<Value | Other> {
  return fc.tuple(fc.boolean(), arbitrary).map(([there, value]) => (there ? value : other))
}

const isInteger = (schema: Schema) => [schema.type].flat().includes('integer')

function ofKind(schema: Schema): fc.Arbitrary<unknown> {
  const { enum: values, format, pattern, properties, ...rules } = schema as Rules
  const { minimum = 0, maximum = 2 ** 31, minItems = 0, maxItems = 10, minLength = 0, maxLength = 50 } = rules
  if (values !== undefined) return fc.constantFrom(...values)
  if (properties !== undefined) return object(schema, fitting)
  if (schema.type === 'object') return fc.constantFrom({}, { title: 'a' }, { title: '' }, { name: 'a' }, { completed: true }) // of an operation in a batch
  if (schema.type === 'boolean') return fc.boolean()
  if (isInteger(schema)) return fc.oneof(fc.integer({ min: minimum, max: maximum }), fc.constantFrom(minimum, maximum))
  if (schema.items !== undefined) return fc.uniqueArray(fitting(schema.items), { minLength: minItems, maxLength: Math.min(maxItems, 8) })
  if (format === 'uuid') {
    const id = fc.oneof(fc.constantFrom(owned.categoryId, owned.taskId), fc.uuid())
    return fc.oneof(
      id,
      id.map(each => each.toUpperCase()),
    )
  }
  if (format === 'date') {
    const days = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    return fc.oneof(
      days.map(day => day.toISOString().slice(0, 10)),
      fc.constantFrom('0001-01-01', '2028-02-29', '9999-12-31'),
    )
  }
  if (format === 'date-time') return fc.constantFrom('2027-02-11T17:40:03.118402Z', '0001-01-01T00:00:00Z', '2027-02-11T19:40:03+02:00')
  if (format === 'sort-key') return fc.constantFrom('a0', 'a0V', 'Zz', 'm0006288c3b4d5e', `b00${'z'.repeat(197)}`, `z${'z'.repeat(26)}`)
  if (format === 'time-zone') return fc.constantFrom('', 'UTC', 'GMT', 'US/Pacific', 'Europe/Kyiv', ...Intl.supportedValuesOf('timeZone'))
  if (pattern?.startsWith('^http')) return fc.oneof(fc.constantFrom(...urls), fc.stringMatching(new RegExp(pattern, 'u')))
  if (pattern?.startsWith('^[A-Z]+=')) return fc.oneof(fc.constantFrom(...recurrenceRules), fc.stringMatching(new RegExp(pattern, 'u')))
  if (pattern !== undefined && !format?.endsWith('text')) return fc.stringMatching(new RegExp(pattern, 'u'))
  return fc.oneof({ arbitrary: text, weight: 4 }, { arbitrary: repeated([minLength, maxLength]), weight: 1 })
}

function object(schema: Schema, of: (property: Schema) => fc.Arbitrary<unknown>) {
  // An id is that of another resource mostly, so there is one in every fourth body only.
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]) => [
    name,
    name === 'id' ? maybe(of(property), undefined) : of(property),
  ])
  return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: schema.required ?? [] })
}

/** Characters of one to four bytes, as often as one of the lengths says. */
function repeated(lengths: number[]) {
  return fc.tuple(fc.constantFrom('x', 'ä', '中', '😀', '\u0001', ' '), fc.constantFrom(...lengths)).map(([each, n]) => each.repeat(n))
}

/** Values with one error, and values that are unrelated to the schema. */
export const nearly = once(schema => {
  const { properties, minimum = 0, maximum = 0, maxItems = 10, maxLength = 50 } = schema as Rules
  if (properties !== undefined) return fc.oneof({ arbitrary: nearlyObject(schema), weight: 9 }, { arbitrary: anything, weight: 1 })
  if (isInteger(schema)) return fc.oneof(fc.constantFrom(minimum - 1, maximum + 1, minimum + 0.5, `${minimum}`), anything)
  if (schema.items !== undefined) return fc.oneof(nearlyList(schema.items, maxItems), anything)
  const close = fitting(schema).chain(value => (typeof value === 'string' ? changed(value) : anything))
  const long = repeated([maxLength, maxLength + 1, 20_000])
  return fc.oneof({ arbitrary: close, weight: 3 }, { arbitrary: anything, weight: 2 }, { arbitrary: long, weight: 1 })
})

function nearlyList(items: Schema, maxItems: number) {
  const many = fc.constantFrom(maxItems, maxItems + 1).map(length => Array.from({ length }, (_, i) => `${i}`))
  const twice = fitting(items).map(each => [each, each])
  const between = fc.tuple(fitting(items), nearly(items), fitting(items))
  return fc.oneof<fc.Arbitrary<unknown>[]>(many, twice, between)
}

function nearlyObject(schema: Schema): fc.Arbitrary<unknown> {
  const names = Object.keys(schema.properties ?? {})
  const whole = fitting(schema) as fc.Arbitrary<Record<string, unknown> | null>
  const wrong = fc.constantFrom(...names).chain(name => nearly(schema.properties?.[name] as Schema).map(value => [name, value] as const))
  const extra = fc.tuple(fc.oneof(fc.constantFrom(...oddNames), text), anything)
  // A spread keeps a key `__proto__` and makes nothing of it.
  const changed = fc.tuple(whole, fc.oneof(wrong, wrong, extra)).map(([all, pair]) => ({ ...all, ...Object.fromEntries([pair]) }))
  const without = fc
    .tuple(whole, fc.constantFrom(...names))
    .map(([all, name]) => Object.fromEntries(Object.entries(all ?? {}).filter(([each]) => each !== name)))
  return fc.oneof({ arbitrary: changed, weight: 5 }, { arbitrary: without, weight: 1 })
}

/** The text with one place changed, left out or said twice. */
function changed(value: string): fc.Arbitrary<string> {
  const place = fc.nat({ max: value.length })
  return fc.oneof(
    fc.tuple(place, fc.constantFrom(...odd)).map(([at, with_]) => value.slice(0, at) + with_ + value.slice(at)),
    fc.tuple(place, fc.constantFrom(...odd)).map(([at, with_]) => value.slice(0, at) + with_ + value.slice(at + 1)),
    place.map(at => value.slice(0, at) + value.slice(at + 1)),
    fc.constantFrom(` ${value}`, `${value} `, value + value, value.toUpperCase(), value.toLowerCase(), `{${value}}`, `urn:uuid:${value}`),
  )
}
