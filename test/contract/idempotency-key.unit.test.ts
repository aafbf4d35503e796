import { expect, test } from 'vitest'
import { derivedId, keyHash, parseKey, requestHash } from '../../src/contract/idempotency-key.ts'

test('a key has the same text with and without quotes', () => {
  expect(['a-1', '"a-1"', String.raw`"a\"b\\c"`].map(parseKey)).toEqual(['a-1', 'a-1', String.raw`a"b\c`])
})

test('requests are the same if only the order of properties differs, or null is left out', () => {
  const request = { a: 1, b: { c: [1, { d: null, e: 2 }], f: 'x' } }
  expect(requestHash({ b: { f: 'x', c: [1, { e: 2 }] }, z: null, a: 1 })).toBe(requestHash(request))
})

test.each([
  [{ a: 1 }, { a: '1' }],
  [{ a: [1, 2] }, { a: [2, 1] }],
  [{ a: [null] }, { a: [] }],
  [{ a: '' }, {}],
  [{ a: false }, {}],
  [{ a: { b: 1 } }, { b: { a: 1 } }],
])('%o and %o are different requests', (one, other) => {
  expect(requestHash(one)).not.toBe(requestHash(other))
})

test('an id is a UUID of version 8, which only the same texts give', () => {
  const ids = [['a', 'b'], ['ab'], ['a', 'c'], ['', 'ab'], ['a","b']].map(texts => derivedId(...texts))
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids).size).toBe(ids.length)
  expect(derivedId('a', 'b')).toBe(ids[0])
  const variants = Array.from({ length: 200 }, (_, i) => derivedId(String(i))[19])
  expect(new Set(variants)).toEqual(new Set('89ab'))
})

test('a hash of a key is SHA-256', () => {
  expect(keyHash('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})
