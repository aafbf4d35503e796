// From method and path to an operation, without a server.
import { describe, expect, test } from 'vitest'
import { createRouter } from '../../src/http/router.ts'
import type { Operation } from '../../src/pipeline/pipeline.ts'

const operation = (operationId: string, method: string, path: string) => ({ operationId, method, path }) as Operation
const { find, methodHeaders, shown } = createRouter([
  operation('listNotes', 'GET', '/v1/users/{userId}/notes'),
  operation('createNote', 'POST', '/v1/users/{userId}/notes'),
  operation('getNote', 'GET', '/v1/users/{userId}/notes/{noteId}'),
  operation('deleteNote', 'DELETE', '/v1/users/{userId}/notes/{noteId}'),
  operation('putNote', 'PUT', '/v1/users/{userId}/notes/{noteId}'),
  { ...operation('getFeed', 'GET', '/v1/calendars/{feedToken}.ics'), shownPath: '/v1/calendars/***.ics' },
  operation('sendNote', 'POST', '/v1/users/{userId}/notes/send'),
])
const found = (method: string, path: string) => {
  const { operation, params } = find(method, path)
  return [operation.operationId, { ...params }]
}

describe('createRouter', () => {
  test.each([
    ['GET', '/v1/users/ann/notes', 'listNotes', { userId: 'ann' }],
    ['POST', '/v1/users/me/notes', 'createNote', { userId: 'me' }],
    ['PUT', '/v1/users/a%2Fb/notes/7', 'putNote', { userId: 'a/b', noteId: '7' }],
    ['GET', '/v1/calendars/secret.ics', 'getFeed', { feedToken: 'secret' }],
    ['POST', '/v1/users/me/notes/send', 'sendNote', { userId: 'me' }],
  ])('%s %s is %s', (method, path, operationId, params) => {
    expect(found(method, path)).toEqual([operationId, params])
  })

  test('a path with a secret is shown without it', () => {
    expect(shown('/v1/calendars/secret.ics')).toBe('/v1/calendars/***.ics')
    for (const path of ['/v1/users/ann/notes', '/nothing', '*']) expect(shown(path)).toBe(path)
  })

  test('HEAD is the GET of the path', () => {
    expect(found('HEAD', '/v1/users/me/notes')).toEqual(['listNotes', { userId: 'me' }])
  })

  test.each([
    ['PATCH', '/v1/users/me/notes', 'GET, HEAD, OPTIONS, POST'],
    ['POST', '/v1/users/me/notes/7', 'DELETE, GET, HEAD, OPTIONS, PUT'],
    ['get', '/v1/users/me/notes', 'GET, HEAD, OPTIONS, POST'],
    ['HEAD', '/v1/users/me/notes/send', 'OPTIONS, POST'],
  ])('%s %s is 405 and names the methods of the path', (method, path, allow) => {
    expect(() => find(method, path)).toThrow(expect.objectContaining({ kind: 'method-not-allowed', headers: { Allow: allow } }))
  })

  test.each([
    '/',
    '',
    '/v1/users/me',
    '/v1/users/me/notes/',
    '/v1/users//notes',
    '/v1/users/me/notes/7/8',
    '/v1/calendars/.ics',
    '/V1/users/me/notes',
  ])('%s is 404', path => {
    expect(() => find('GET', path)).toThrow(expect.objectContaining({ kind: 'not-found' }))
    expect(() => methodHeaders(path)).toThrow(expect.objectContaining({ kind: 'not-found' }))
  })

  test.each([
    ['/v1/users/me/notes', 'GET, HEAD, OPTIONS, POST'],
    ['/v1/users/me/notes/send', 'OPTIONS, POST'],
    ['*', 'DELETE, GET, HEAD, OPTIONS, POST, PUT'],
  ])('%s allows %s', (path, methods) => {
    expect(methodHeaders(path).Allow).toBe(methods)
  })
})
