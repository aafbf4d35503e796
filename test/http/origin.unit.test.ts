import { expect, test } from 'vitest'
import { origin } from '../../src/http/origin.ts'

test.each([
  ['127.0.0.1', 'http://127.0.0.1:3000'],
  ['::1', 'http://[::1]:3000'],
  ['localhost', 'http://localhost:3000'],
])('of %s', (host, url) => {
  expect(origin(host, 3000)).toBe(url)
  expect(new URL(url).port).toBe('3000')
})
