// Every line that a server of the run logged contains no personal data and no secret.
import { describe, expect, test } from 'vitest'
import { type Line, leaks, type Sensitive } from '../support/leaks.ts'
import { readRecord } from '../support/record.ts'

const lines = await readRecord<Line>('lines')
const sensitive: Sensitive = {
  userIds: await readRecord('userIds'),
  contents: await readRecord('contents'),
  secrets: await readRecord('secrets'),
}

test('the run recorded enough lines, users, texts and secrets', () => {
  expect(lines.length).toBeGreaterThan(100)
  expect(lines.filter(({ error }) => error !== undefined).length).toBeGreaterThan(10)
  for (const each of Object.values(sensitive)) expect(each.length).toBeGreaterThan(0)
  expect(sensitive.userIds.filter(id => !/^[A-Za-z]+$/.test(id)).length).toBeGreaterThan(100)
  expect(sensitive.contents.filter(text => !/^[A-Za-z]+$/.test(text)).length).toBeGreaterThan(100)
})

test('no line contains a token, a password, a user id, a text of a user or an unknown field', () => {
  expect(lines.flatMap(line => leaks(line, sensitive).map(each => `${each} in ${JSON.stringify(line)}`))).toEqual([])
})

describe('a line', () => {
  const clean: Line = {
    level: 50,
    msg: 'request',
    method: 'GET',
    operation: 'getTask',
    status: 500,
    error: { name: 'TypeError', message: 'x', stack: 'x' },
  }
  const markers: Sensitive = { userIds: ['ann-7'], contents: ['a very personal matter', 'say "no"'], secrets: ['hunter2'] }
  const error = (message: string) => ({ error: { name: 'Error', message, stack: `Error: ${message}\n    at x` } })

  test('without personal data passes', () => {
    expect(leaks(clean, markers)).toEqual([])
  })

  test('with an ordinary word that is also the id of a user passes', () => {
    expect(leaks({ ...clean, ...error('Too many requests wait') }, { ...markers, userIds: ['many'] })).toEqual([])
  })

  test.for<[string, Line]>([
    ['a token', error('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.x')],
    ['a header', error('Authorization was odd')],
    ['a scheme', error('Bearer abc')],
    ['an email', error('no such user: ann@example.com')],
    ['a user id', error('no such user: ann-7')],
    ['a title', error('Unexpected token in "a very personal matter"')],
    ['a title with quotes', error('title is say "no"')],
    ['a password', error('password hunter2 is wrong')],
    ['the URL of a database', error('postgres://u@db/x')],
    ['a user id as request id', { requestId: 'ann-7' }],
    ['a path', { url: '/v1/users/me/tasks?q=x' }],
    ['an unknown field', { body: '{}' }],
    ['an unknown message', { msg: 'ann signed in' }],
    ['the detail of a database error', { error: { name: 'PostgresError', detail: 'Key (name)=(x) exists' } }],
    ['the query of a cause', { error: { ...error('x').error, cause: { name: 'PostgresError', query: 'select', parameters: ['x'] } } }],
    ['a text in a cause', { error: { ...error('x').error, cause: error('it was a very personal matter').error } }],
  ])('with %s is found', ([, part]) => {
    expect(leaks({ ...clean, ...part }, markers)).not.toEqual([])
  })
})
