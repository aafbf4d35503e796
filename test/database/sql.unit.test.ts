// Statements in parts: values become parameters and never text.
import fc from 'fast-check'
import { parse } from 'libpg-query'
import { describe, expect, test } from 'vitest'
import { assigned, constant, flattened, identifier, joined, Parameter, snake, sql, statement, template } from '../../src/database/sql.ts'
import { cases } from '../support/checks.ts'

const hostile = [`'; drop table users; --`, `"`, `'`, '\\', '$1', '$$', '\0', '/*', '\u2028', ")'::text", 'é\u0301']

// The parser of this test takes neither; constants are names of the code.
const unparsable = ['\0', '\\']

describe('sql', () => {
  test('a value becomes a parameter, and a part becomes text', () => {
    const condition = sql`owner_id = ${'ann'} and id = ${7}`
    expect(statement('select', sql`select id from tasks where ${condition} limit ${3}`)).toEqual({
      name: 'select',
      text: 'select id from tasks where owner_id = $1 and id = $2 limit $3',
      values: ['ann', 7, 3],
    })
  })

  test('no text of a value reaches the statement', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 20 }).map(points => String.fromCodePoint(...points)),
            fc.constantFrom(...hostile),
          ),
        ),
        values => {
          const parts = values.map(value => sql`x = ${value}`)
          const { text, values: sent } = statement('select', sql`select 1 where ${joined(parts, ' and ')}`)
          expect(text).toBe(`select 1 where ${values.map((_, i) => `x = $${i + 1}`).join(' and ')}`)
          expect(sent).toEqual(values)
        },
      ),
    )
  })

  test('an object that looks like a part stays a value', () => {
    const forged = { texts: ['drop table users'], values: [] } as never
    expect(statement('select', sql`select ${forged}`)).toMatchObject({ text: 'select $1', values: [forged] })
  })

  test('a part that stands twice gets parameters of its own each time', () => {
    const part = sql`${1} + ${2}`
    expect(statement('add', sql`${part}, ${part}`)).toMatchObject({ text: '$1 + $2, $3 + $4', values: [1, 2, 1, 2] })
  })
})

describe('names and constants', () => {
  test.each([
    ['dueDate', '"due_date"'],
    ['id', '"id"'],
    ['a"b', '"a""b"'],
    ['x; drop table users', '"x; drop table users"'],
  ])('identifier(%s) is quoted', (name, text) => {
    expect(statement('', identifier(name)).text).toBe(text)
  })

  test.each(cases(hostile.filter(text => !unparsable.includes(text))))('constant(%s) is one constant for PostgreSQL', async text => {
    const { stmts } = (await parse(`select ${statement('', constant(text)).text}`)) as { stmts: object[] }
    expect(stmts).toHaveLength(1)
    expect(JSON.stringify(stmts)).toContain(JSON.stringify(text))
  })

  test('assigned writes a column for each property, in their order', () => {
    expect(statement('', assigned({ name: 'a', timeZone: null, 'x"=1': 2 }))).toEqual({
      name: '',
      text: '"name"=$1,"time_zone"=$2,"x""=1"=$3',
      values: ['a', null, 2],
    })
  })

  test.each([
    ['dueDate', 'due_date'],
    ['id', 'id'],
    ['aBC', 'a_b_c'],
  ])('snake(%s) is %s', (name, column) => {
    expect(snake(name)).toBe(column)
  })
})

describe('flattened', () => {
  test('a part without values becomes one text, and any other is refused', () => {
    const { texts, values } = flattened(sql`${identifier('a')}, ${constant(1)}`)
    expect([texts, values]).toEqual([['"a", 1'], []])
    expect(() => flattened(sql`${7}`)).toThrow('values')
  })
})

describe('joined', () => {
  test.each([0, 1, 2, 3])('%i parts have a separator between them only', count => {
    const parts = Array.from({ length: count }, (_, i) => sql`${i}`)
    expect(statement('', joined(parts, ', ')).text).toBe(parts.map((_, i) => `$${i + 1}`).join(', '))
  })
})

describe('template', () => {
  const owner = new Parameter('owner')
  const select = template(
    'select task',
    () => sql`select ${owner}::text, ${7}, ${new Parameter('id')}::uuid where owner_id = ${owner}::text`,
  )

  test('a parameter keeps its number wherever it stands, and is filled in by name', () => {
    expect(select({ id: 'x', owner: 'ann', other: 'ignored' })).toEqual({
      name: 'select task',
      text: 'select $1::text, $2, $3::uuid where owner_id = $1::text',
      values: ['ann', 7, 'x'],
    })
  })

  test('an absent parameter is null', () => {
    expect(select({ owner: 'ann', id: undefined }).values).toEqual(['ann', 7, null])
  })
})
