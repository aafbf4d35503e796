// The database has every limit of the spec too: it stores values within the limit and refuses values beyond it.
import { describe, expect } from 'vitest'
import { cases } from '../support/checks.ts'
import { document, resolved, type Schema } from '../support/spec.ts'
import { test } from '../support/taskspec.ts'

const tables = { User: 'users', Category: 'categories', Calendar: 'calendars', Webhook: 'webhooks', Task: 'tasks' } as const
const types: Record<string, string> = {
  'date-time': 'timestamp with time zone',
  uuid: 'uuid',
  date: 'date',
  integer: 'integer',
  boolean: 'boolean',
  array: 'ARRAY',
  string: 'text',
}
// Columns whose type differs from the rule above, with the reason.
const exceptions: Record<string, string> = {
  'tasks.due_time': 'time without time zone', // a pattern in the spec
  'tasks.priority': 'USER-DEFINED', // an enum
  'tasks.reminders': 'jsonb', // an array of objects
  'tasks.recurrence': 'jsonb', // an object
  'calendars.kind': 'USER-DEFINED', // an enum
  'webhooks.delivered_revision': 'bigint', // a revision
  'webhooks.disabled_reason': 'USER-DEFINED', // an enum
  'users.revision': 'bigint',
  'calendars.revision': 'bigint',
  'webhooks.revision': 'bigint',
  'categories.revision': 'bigint',
  'tasks.revision': 'bigint',
}
// Columns that may be null though the property is not: the server's key takes its place.
const derived = ['tasks.sort_key', 'categories.sort_key']
// Properties that have no column, with the reason.
const unstored = ['calendars.url', 'webhooks.secret'] // only its hash is stored; stored as another text than the replies show
// Columns that need another one for some values.
const companions: Record<string, (value: unknown) => object> = { 'tasks.depth': value => (value === 0 ? {} : { parent_id: id }) }
const id = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
const rows: Record<string, Record<string, unknown>> = {
  users: { id: 'limits', revision: 1, profile_revision: 0 },
  categories: { owner_id: 'owner', id, name: 'x', position: 0, revision: 1 },
  calendars: { owner_id: 'owner', id, name: 'x', kind: 'todo', token_hash: Buffer.alloc(32), revision: 1 },
  webhooks: { owner_id: 'owner', id, url: 'x', kinds: ['task'], secret: 'x', delivered_revision: 1, revision: 1 },
  tasks: { owner_id: 'owner', id, title: 'x', priority: 'none', labels: [], due_date: '2027-03-01', revision: 1 },
}

const snake = (name: string) => name.replaceAll(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)

/** Values at the limit, and one step beyond it. */
function edges(schema: Schema): { inside: unknown[]; beyond: unknown[] } {
  const { enum: values, items, properties } = schema as { enum?: string[]; items?: Schema; properties?: Record<string, Schema> }
  const { minLength = 0, maxLength, minimum = 0, maximum, minItems = 0, maxItems } = schema as Record<string, number | undefined>
  const text = (length: number) => '😀'.repeat(length)
  if (values !== undefined) return { inside: values, beyond: ['another'] }
  if (maxItems !== undefined && items !== undefined) {
    const item = edges(resolved(items))
    const any =
      resolved(items).properties !== undefined || 'enum' in resolved(items) ? item.inside[0] : resolved(items).format === 'uuid' ? id : 'x'
    const none = minItems === 0 ? { inside: [[]], beyond: [] } : { inside: [], beyond: [[]] }
    return {
      inside: [...none.inside, Array(maxItems).fill(any), ...item.inside.map(each => [each])],
      beyond: [...none.beyond, Array(maxItems + 1).fill(any), ...item.beyond.map(each => [each])],
    }
  }
  if (properties !== undefined) {
    const each = Object.entries(properties).map(([name, property]) => [name, edges({ ...resolved(property), ...property })] as const)
    const first = Object.fromEntries(each.flatMap(([name, { inside }]) => inside.slice(0, 1).map(value => [name, value])))
    const objects = (side: 'inside' | 'beyond') =>
      each.flatMap(([name, values]) => values[side].map(value => ({ ...first, [name]: value })))
    return { inside: objects('inside'), beyond: objects('beyond') }
  }
  const invisible = schema.format === 'visible-text' ? ['\u200b'] : []
  if (maxLength !== undefined)
    return { inside: [text(minLength), text(maxLength)], beyond: [...(minLength > 0 ? [''] : []), text(maxLength + 1), ...invisible] }
  if (maximum !== undefined) return { inside: [minimum, maximum], beyond: [minimum - 1, maximum + 1] }
  if (schema.type === 'integer') return { inside: [minimum + 1], beyond: [minimum - 1] }
  return { inside: [], beyond: [] }
}

for (const [schemaName, table] of Object.entries(tables)) {
  const all = Object.entries(document.components.schemas[schemaName]?.properties ?? {}).map(
    ([name, schema]) => [snake(name), { ...resolved(schema), ...schema }] as const, // a limit beside a reference is that of replies
  )
  const properties = all.filter(([column]) => !unstored.includes(`${table}.${column}`))

  describe(table, () => {
    test.for(cases(properties))('%s has the type of the spec', async ([column, schema], { service: { sql } }) => {
      const [found] = await sql`
        select data_type, is_nullable, is_generated
        from information_schema.columns
        where table_name = ${table} and column_name = ${column}`
      const type = [schema.type].flat().find(each => each !== 'null') as string
      expect(found?.data_type).toBe(exceptions[`${table}.${column}`] ?? types[(schema.format as string) ?? type] ?? types[type])
      expect(found?.is_nullable).toBe([schema.type].flat().includes('null') || derived.includes(`${table}.${column}`) ? 'YES' : 'NO')
    })

    const limited = properties.filter(([, schema]) => edges(schema).beyond.length > 0)
    test.for(cases(limited))(
      '%s accepts values within the limit of the spec and none beyond it',
      async ([column, schema], { service: { sql } }) => {
        const { inside, beyond } = edges(schema)
        const put = (value: unknown) =>
          sql.begin(async sql => {
            if (table !== 'users') await sql`insert into users ${sql(rows.users as never)} on conflict do nothing`
            const stored = exceptions[`${table}.${column}`] === 'jsonb' ? sql.json(value as never) : value
            const row = { ...rows[table], ...(table !== 'users' && { owner_id: 'limits' }), [column]: stored }
            Object.assign(row, companions[`${table}.${column}`]?.(value))
            await sql`insert into ${sql(table)} ${sql(row as never)}`
            throw 'stored'
          })
        for (const value of inside) await expect(put(value), `${column} within`).rejects.toBe('stored')
        for (const value of beyond) {
          const error = await put(value).catch(error => error)
          // An enum refuses a value by its type, any other column by a constraint that is named after it.
          if (schema.enum === undefined)
            expect(error).toMatchObject({ code: '23514', constraint_name: expect.stringMatching(`^${table}_${column}_`) })
          else expect(error).toMatchObject({ code: '22P02' })
        }
      },
    )
  })
}

test('the database checks colours by the pattern of the spec', async ({ service: { sql } }) => {
  const [{ definition } = { definition: '' }] = await sql<{ definition: string }[]>`
    select pg_get_constraintdef(oid) as definition
    from pg_constraint
    where conname = 'categories_color_pattern'`
  // A request may have an empty text, which is stored as null.
  const pattern = String(document.components.schemas.Color?.pattern).replace(/\((.+)\)\?/, '$1')
  expect(definition).toContain(`'${pattern}'`)
})

test.for(['due_date', 'start_date', 'deadline_date'])('the years of %s are those of the spec', async (column, { service: { sql } }) => {
  const [{ definition } = { definition: '' }] = await sql<{ definition: string }[]>`
    select pg_get_constraintdef(oid) as definition
    from pg_constraint
    where conname = ${`tasks_${column}_range`}`
  expect(definition).toContain('0001-01-01')
  expect(definition).toContain('9999-12-31')
})
