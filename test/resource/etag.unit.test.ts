import { expect, test } from 'vitest'
import { etag, isUnchanged, matchRevisions } from '../../src/resource/etag.ts'

test('a revision becomes a strong ETag', () => {
  expect(etag(42)).toBe('"42"')
})

test.each([
  ['"42"', true],
  ['W/"42"', true],
  ['"1", "42"', true],
  ['"a,b" , W/"42"', true],
  ['*', true],
  ['"4"', false],
  ['42', false],
  ['', false],
  [undefined, false],
])('If-None-Match: %s', (header, expected) => {
  expect(isUnchanged(header, 42)).toBe(expected)
})

test.each([
  [undefined, null],
  ['*', null],
  ['"42"', [42]],
  ['"1", "42"', [1, 42]],
  ['W/"42"', []],
  ['"x"', []],
  ['"99999999999999999999"', []],
  ['nonsense', []],
])('If-Match: %s', (header, expected) => {
  expect(matchRevisions(header)).toEqual(expected)
})
