// Insert, replace and update out of one table of fields.
import { expect, test } from 'vitest'
import { asParameters } from '../../src/database/asked.ts'
import { type Part, sql, statement, template } from '../../src/database/sql.ts'
import { cleared, columnsOf, createFields, type Fields, nullable, required } from '../../src/resource/fields.ts'

type Input = { title: string; dueDate?: string | null; done?: boolean }
const done = {
  column: 'doneAt',
  shows: ['done', 'doneAt'],
  insert: (value: Part) => sql`case when ${value} then now() end`,
  update: (value: Part) => sql`case when ${value} then now() else item.done_at end`,
}
const table: Fields<Input> = { title: required('text'), dueDate: nullable('date'), done: required('boolean', done) }
const fields = createFields(table)
const asked = asParameters({ ...fields.types, cleared: 'text[]' })

test('an insert names the columns and their values in the same order', () => {
  expect(statement('', fields.columns).text).toBe('"title", "due_date", "done_at"')
  expect(template('', () => fields.inserted(asked))({}).text).toBe('$1::text, $2::date, case when $3::boolean then now() end')
})

test('a replacement sets every column', () => {
  expect(statement('', fields.replaced).text).toBe(
    '"title" = excluded."title", "due_date" = excluded."due_date", "done_at" = excluded."done_at"',
  )
})

test('an update keeps a field that is not sent, and clears one that is named', () => {
  expect(template('', () => fields.updated(asked, asked.cleared as Part))({}).text).toBe(
    `"title" = coalesce($1::text, item."title"), ` +
      `"due_date" = case when 'dueDate' = any($2::text[]) then null else coalesce($3::date, item."due_date") end, ` +
      `"done_at" = case when $4::boolean then now() else item.done_at end`,
  )
  expect(cleared({ title: 'a', dueDate: null })).toEqual(['dueDate'])
})

test('a row shows the fields in their order', () => {
  expect(statement('', columnsOf(['id', ...fields.shown])).text).toBe(
    'item."id", item."title", item."due_date", item."done", item."done_at"',
  )
})

test('a row can show an expression instead of a column, and an insert can store one', () => {
  const own = { shown: sql`coalesce(item.key, item.id)`, insert: (value: Part) => sql`coalesce(${value}, 'new')` }
  const { types, shown, inserted } = createFields<{ key?: string | null }>({ key: nullable('text', own) })
  expect(statement('', columnsOf(['id', ...shown])).text).toBe('item."id", coalesce(item.key, item.id) as "key"')
  expect(template('', () => inserted(asParameters(types)))({}).text).toBe(`coalesce($1::text, 'new')`)
})

test('a table that differs from the input does not compile', () => {
  // @ts-expect-error: a field of the input is missing
  const missing: Fields<Input> = { title: required('text'), done: required('boolean') }
  // @ts-expect-error: the input can clear this field
  const notNullable: Fields<Input> = { title: required('text'), dueDate: required('date'), done: required('boolean') }
  expect([missing, notNullable]).toHaveLength(2)
})
