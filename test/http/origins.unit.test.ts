import { expect, test } from 'vitest'
import { allowedOrigins } from '../../src/http/origins.ts'

const allows = (patterns: string[], origin: string) =>
  (allowedOrigins(patterns).origin as (string | RegExp)[]).some(each => (typeof each === 'string' ? each === origin : each.test(origin)))

test.each([
  ['https://*.example.app', 'https://one.example.app', true],
  ['https://*.example.app', 'https://pull-7.one.example.app', true],
  ['https://*.example.app', 'https://a_b.example.app', true],
  ['https://*.example.app', 'https://example.app', false],
  ['https://*.example.app', 'https://.example.app', false],
  ['https://*.example.app', 'https://evilexample.app', false],
  ['https://*.example.app', 'https://evil.com/.example.app', false],
  ['https://*.example.app', 'https://evil.com?.example.app', false],
  ['https://*.example.app', 'https://evil.com#.example.app', false],
  ['https://*.example.app', 'https://evil.com@one.example.app', false],
  ['https://*.example.app', 'https://evil.com:1.example.app', false],
  ['https://*.example.app', 'https://one.example.app.evil.com', false],
  ['https://*.example.app', 'https://one.exampleXapp', false],
  ['https://*.example.app', 'https://one.example.app:8443', false],
  ['https://*.example.app', 'http://one.example.app', false],
  ['https://*.example.app', 'https://one.example.app\n', false],
  ['https://*.example.app', 'x-https://one.example.app', false],
  ['https://*.example.app:8443', 'https://one.example.app:8443', true],
  ['https://*.example.app:8443', 'https://one.example.app', false],
  ['capacitor://localhost', 'capacitor://localhost', true],
  ['capacitor://localhost', 'ionic://localhost', false],
  ['https://app.example.com', 'https://app.example.com.evil.com', false],
])('%s allows %s: %s', (pattern, origin, expected) => {
  expect(allows([pattern], origin)).toBe(expected)
})

test('a pattern is matched in linear time', () => {
  expect(allows(['https://*.example.app'], `https://${'a.'.repeat(30_000)}x`)).toBe(false)
})
