// Pages and cursors, without a database.
import { describe, expect, test } from 'vitest'
import { Problem } from '../../src/contract/problem.ts'
import { createPage, parseCursor, refuseCursor } from '../../src/resource/page.ts'

type Row = { id: string; key: number; asOf: number }
const id = (number: number) => `019c5a21-0d3b-7e62-9b1f-${String(number).padStart(12, '0')}`
const rows = (count: number): Row[] => Array.from({ length: count }, (_, i) => ({ id: id(i), key: i, asOf: 42 }))
const pageOf = (input: Row[], limit: number) => createPage<{ id: string; key: number }>(input, limit, 'key', row => row.key)
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('createPage', () => {
  test('one row more than the limit makes a cursor and is not shown', () => {
    const { revision, body } = pageOf(rows(4), 3)
    expect(revision).toBe(42)
    expect(JSON.parse(JSON.stringify(body.items))).toEqual([0, 1, 2].map(i => ({ id: id(i), key: i })))
    expect(parseCursor(body.nextCursor as string, 'key')).toEqual({ key: '2', id: id(2) })
  })

  test.each([0, 1, 3])('%i rows within the limit are the last page', count => {
    const { body } = pageOf(rows(count), 3)
    expect(body.items).toHaveLength(count)
    expect(body.nextCursor).toBeNull()
  })

  test('an account without rows has a revision and no items', () => {
    expect(pageOf([{ id: null, key: null, asOf: 7 } as never], 3)).toEqual({ revision: 7, body: { items: [], nextCursor: null } })
  })

  test('no account is revision 0', () => {
    expect(pageOf([], 3).revision).toBe(0)
  })
})

describe('parseCursor', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', 'x'],
    ['another sort', encode(['title', 1, id(1)])],
    ['a key that is an object', encode(['key', {}, id(1)])],
    ['an id that is none', encode(['key', 1, 'x'])],
    ['an id with SQL', encode(['key', 1, `${id(1)}' or true --`])],
    ['no array', encode({ 0: 'key' })],
    ['null', encode(null)],
  ])('refuses %s with 422', (_, cursor) => {
    expect(() => parseCursor(cursor, 'key')).toThrow(expect.objectContaining({ kind: 'invalid-request' }))
  })

  test.each([null, 'a', 7])('takes the key %s, as text for PostgreSQL', key => {
    expect(parseCursor(encode(['key', key, id(1)]), 'key')).toEqual({ key: key === null ? null : String(key), id: id(1) })
  })
})

test('refuseCursor makes 422 only of an error that a value caused', () => {
  expect(() => refuseCursor(Object.assign(new Error(), { code: '22P02' }))).toThrow(Problem)
  const other = Object.assign(new Error(), { code: '57014' })
  expect(() => refuseCursor(other)).toThrow(other)
})
