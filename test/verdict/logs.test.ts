// Every line that any server of the run has logged: it says nothing of whom it is about.
import { describe, expect, test } from 'vitest'
import { type Known, type Line, leaks } from '../support/leaks.ts'
import { recorded } from '../support/record.ts'

const lines = await recorded<Line>('lines')
const known: Known = {
  people: await recorded('people'),
  contents: await recorded('contents'),
  secrets: await recorded('secrets'),
}

test('there is enough to judge by', () => {
  expect(lines.length).toBeGreaterThan(100)
  expect(lines.filter(({ error }) => error !== undefined).length).toBeGreaterThan(10)
  for (const each of Object.values(known)) expect(each.length).toBeGreaterThan(0)
  expect(known.people.length).toBeGreaterThan(100)
  expect(known.contents.length).toBeGreaterThan(100)
})

test('no line has a token, a password, an id or a text of a person, or a field that nobody expects', () => {
  expect(lines.flatMap(line => leaks(line, known).map(each => `${each} in ${JSON.stringify(line)}`))).toEqual([])
})

describe('a line is found out', () => {
  const good: Line = {
    level: 50,
    msg: 'request',
    method: 'GET',
    operation: 'getTask',
    status: 500,
    error: { name: 'TypeError', message: 'x', stack: 'x' },
  }
  const markers: Known = { people: ['ann-7'], contents: ['a very personal matter', 'say "no"'], secrets: ['hunter2'] }
  const error = (message: string) => ({ error: { name: 'Error', message, stack: `Error: ${message}\n    at x` } })

  test('not when it is good', () => {
    expect(leaks(good, markers)).toEqual([])
  })

  test.for<[string, Line]>([
    ['a token', error('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.x')],
    ['a header', error('Authorization was odd')],
    ['a scheme', error('Bearer abc')],
    ['an email', error('no such person: ann@example.com')],
    ['an id', error('no such person: ann-7')],
    ['a title', error('Unexpected token in "a very personal matter"')],
    ['a title with quotes', error('title is say "no"')],
    ['a password', error('password hunter2 is wrong')],
    ['the URL of a database', error('postgres://u@db/x')],
    ['an id as the id of a request', { requestId: 'ann-7' }],
    ['a path', { url: '/v1/users/me/tasks?q=x' }],
    ['a field more', { body: '{}' }],
    ['another message', { msg: 'ann signed in' }],
    ['the detail of a database error', { error: { name: 'PostgresError', detail: 'Key (name)=(x) exists' } }],
    ['the query of a cause', { error: { ...error('x').error, cause: { name: 'PostgresError', query: 'select', parameters: ['x'] } } }],
    ['a text in a cause', { error: { ...error('x').error, cause: error('it was a very personal matter').error } }],
  ])('that has %s', ([, part]) => {
    expect(leaks({ ...good, ...part }, markers)).not.toEqual([])
  })
})
