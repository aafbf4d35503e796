// The columns that a statement is asked with, in both of its forms.
import { expect, test } from 'vitest'
import { asColumns, asParameters, relation } from '../../src/database/asked.ts'
import { sql, template } from '../../src/database/sql.ts'

const columns = { owner: 'text', dueDate: 'date', match: 'bigint[]' } as const

test('for one caller a column is a parameter with its type', () => {
  const asked = asParameters(columns)
  const select = template('select', () => sql`${asked.dueDate} = ${asked.owner} or ${asked.owner}`)
  expect(select({ owner: 'ann', dueDate: '2027-03-01' })).toMatchObject({
    text: '$1::date = $2::text or $2::text',
    values: ['2027-03-01', 'ann'],
  })
})

test('for several callers a column is a column of their relation', () => {
  const asked = asColumns(columns)
  const select = template('select', () => sql`select ${asked.dueDate} from ${relation(columns)} where ${asked.match} is null`)
  expect(select({ callers: '[]' })).toMatchObject({
    text: `select asked."dueDate" from json_to_recordset($1::text::json) as asked ("owner" text, "dueDate" date, "match" bigint[]) where asked."match" is null`,
    values: ['[]'],
  })
})

test('a misspelt column does not compile, also where the columns of a table are known only at run time', () => {
  const asked = asParameters<{ owner: 'text' } & Record<string, string>>(columns)
  // @ts-expect-error: the column may be absent
  expect(sql`select ${asked.onwer}`.values).toEqual([undefined])
  // @ts-expect-error: there is no such column
  expect(asParameters(columns).dueDat).toBeUndefined()
})
