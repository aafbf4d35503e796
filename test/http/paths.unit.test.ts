import { expect, test } from 'vitest'
import { paths } from '../../src/http/paths.ts'

const find = paths([
  ['/livez', 'live'],
  ['/users/{userId}', 'user'],
  ['/users/{userId}/tasks/{taskId}', 'task'],
  ['/users/all', 'all'],
])

test.each([
  ['/livez', 'live', {}],
  ['/users/ann', 'user', { userId: 'ann' }],
  ['/users/all', 'all', {}],
  ['/users/a%2Fb/tasks/%C3%BC', 'task', { userId: 'a/b', taskId: 'ü' }],
  ['/users/%zz', 'user', { userId: '%zz' }],
  ['/users/__proto__', 'user', { userId: '__proto__' }],
])('%s is found', (path, value, params) => {
  expect(find(path)).toEqual({ value, params })
})

test.each(['/', '', '/livez/', '/users', '/users/', '/users/ann/', '/users/ann/tasks', '/users//tasks/1', '//livez', '/LIVEZ', 'livez'])(
  '%s is not there',
  path => {
    expect(find(path)).toBe(undefined)
  },
)

test('a match costs the same with four templates as with four thousand', () => {
  // Counted, not timed: the segments that are looked at.
  const looks = (size: number) => {
    const find = paths(Array.from({ length: size }, (_, i) => [`/v1/things${i}/{id}`, i] as [string, number]))
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
