import { expect, test } from 'vitest'
import { createPaths } from '../../src/http/paths.ts'

const find = createPaths([
  ['/livez', 'live'],
  ['/users/{userId}', 'user'],
  ['/users/{userId}/tasks/{taskId}', 'task'],
  ['/users/all', 'all'],
  ['/calendars/{token}.ics', 'calendar'],
  ['/calendars/{token}.long.ics', 'long calendar'],
  ['/calendars/all.ics', 'all calendars'],
  ['/calendars/{calendarId}', 'any calendar'],
  ['/exports/tasks-{day}', 'export'],
  ['/exports/tasks-{day}/rows', 'rows'],
])

test.each([
  ['/livez', 'live', {}],
  ['/users/ann', 'user', { userId: 'ann' }],
  ['/users/all', 'all', {}],
  ['/users/a%2Fb/tasks/%C3%BC', 'task', { userId: 'a/b', taskId: 'ü' }],
  ['/users/%zz', 'user', { userId: '%zz' }],
  ['/%6civez', 'live', {}],
  ['/%6C%69%76%65%7a', 'live', {}],
  ['/%75sers/%61ll', 'all', {}],
  ['/%75sers/%6de/t%61sks/%30', 'task', { userId: 'me', taskId: '0' }],
  ['/users/%2e%2e', 'user', { userId: '..' }],
  ['/users/%25%36%31ll', 'user', { userId: '%61ll' }],
  ['/users/%61ll%ff', 'user', { userId: '%61ll%ff' }],
  ['/calendars/%61.%69cs', 'calendar', { token: 'a' }],
  ['/calendars/a%2Fb%2Eics', 'calendar', { token: 'a/b' }],
  ['/exports/%74asks%2Dx/ro%77s', 'rows', { day: 'x' }],
  ['/users/__proto__', 'user', { userId: '__proto__' }],
  ['/calendars/a.ics', 'calendar', { token: 'a' }],
  ['/calendars/a.b%20.ics', 'calendar', { token: 'a.b ' }],
  ['/calendars/a.long.ics', 'long calendar', { token: 'a' }],
  ['/calendars/all.ics', 'all calendars', {}],
  ['/calendars/.ics', 'any calendar', { calendarId: '.ics' }],
  ['/calendars/a.ICS', 'any calendar', { calendarId: 'a.ICS' }],
  ['/exports/tasks-2027-03-01', 'export', { day: '2027-03-01' }],
  ['/exports/tasks-x/rows', 'rows', { day: 'x' }],
])('%s is found', (path, value, params) => {
  expect(find(path)).toEqual({ value, params })
})

test.each([
  ...['/', '', '/livez/', '/users', '/users/', '/users/ann/', '/users/ann/tasks', '/users//tasks/1', '//livez', '/LIVEZ', 'livez'],
  ...['%2Flivez', '/%2Flivez', '/users%2Fall', '/users/%2e%2e/livez', '/%2e/livez', '/%4Civez', '/livez%00', '/%256civez', '/livez%2F'],
  ...['/calendars', '/calendars/', '/calendars/a.ics/', '/exports/tasks-', '/exports/task-1', '/exports/xtasks-1'],
])('%s is not there', path => {
  expect(find(path)).toBe(undefined)
})

test('a match costs the same with four templates as with four thousand', () => {
  // Counts lookups of segments, because times vary.
  const looks = (size: number) => {
    const find = createPaths(Array.from({ length: size }, (_, i) => [`/v1/things${i}/{id}`, i] as [string, number]))
    const original = Map.prototype.get
    let count = 0
    Map.prototype.get = function (key) {
      count += 1
      return original.call(this, key)
    }
    try {
      expect(find(`/v1/things${size - 1}/x`)?.value).toBe(size - 1)
      return count
    } finally {
      Map.prototype.get = original
    }
  }
  expect(looks(4000)).toBe(looks(4))
})

test.each([[['/a/{x}-{y}']], [['/a/{x}', '/a/{y}/b']], [['/a/{x']]])('templates that leave a match open are refused: %s', templates => {
  expect(() => createPaths(templates.map(template => [template, template]))).toThrow(/parameter/)
})
