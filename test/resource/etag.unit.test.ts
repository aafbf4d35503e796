import { expect, test } from 'vitest'
import { allowedRevisions, etag, unchangedReply } from '../../src/resource/etag.ts'
import { document, faults, type Schema } from '../support/spec.ts'

const current = { revision: 42 }

test('a revision becomes a strong ETag', () => {
  expect(etag(42)).toBe('"42"')
})

test.each([
  ['"42"', 304],
  ['W/"42"', 304],
  ['"1", "42"', 304],
  ['"a,b" ,\tW/"42"', 304],
  ['"42,42", "42"', 304],
  [', "1",, "42",', 304],
  ['*', 304],
  ['"4"', undefined],
  ['"042"', undefined],
  ['"42 "', undefined],
  ['"4.2e1"', undefined],
  ['"W/"', undefined],
  ['"42,42"', undefined],
  ['"*"', undefined],
  [undefined, undefined],
])('If-None-Match: %s leads to %s', (header, status) => {
  expect(unchangedReply(header === undefined ? {} : { 'if-none-match': header }, current)?.status).toBe(status)
})

test.each([
  ['"42"', true],
  ['"1","42"', true],
  ['*', true],
  ['W/"42"', false],
  ['"042"', false],
  ['"a", "42,"', false],
  ['"4"', false],
])('If-Match: %s is met: %s', (header, met) => {
  const read = () => unchangedReply({ 'if-match': header }, current)
  if (met) expect(read()).toBe(undefined)
  else expect(read).toThrow(expect.objectContaining({ status: 412, headers: { ETag: '"42"' } }))
})

test('If-Match comes before If-None-Match', () => {
  expect(() => unchangedReply({ 'if-match': '"1"', 'if-none-match': '"42"' }, current)).toThrow(expect.objectContaining({ status: 412 }))
  expect(unchangedReply({ 'if-match': '"42"', 'if-none-match': '"42"' }, current)?.status).toBe(304)
})

test.each([
  [{}, null, null],
  [{ 'if-match': '*' }, null, null],
  [{ 'if-match': '"1", "42"' }, [1, 42], null],
  [{ 'if-match': 'W/"42", "x", "042", "4,2"' }, [], null],
  [{ 'if-match': '"99999999999999999999", "1e3", "+1"' }, [], null],
  [{ 'if-none-match': 'W/"42", "1"' }, null, [42, 1]],
  [{ 'if-match': '"1"', 'if-none-match': '"x"' }, [1], []],
])('the conditions %j allow a change of one of %j and none of %j', (headers, match, except) => {
  expect(allowedRevisions(headers)).toEqual({ match, except })
})

test.each([
  ...['*', '"42"', 'W/"42"', '""', '"a,b"', '"\xfc"', '"1","2"', '"1" , "2"', ', "1",, "2" ,', '"\\"'].map(each => [each, true] as const),
  ...[
    '',
    ',',
    '42',
    '"42',
    '42"',
    'w/"42"',
    'W/42',
    'W/ "42"',
    '*, "42"',
    '"42", *',
    '**',
    '"1" "2"',
    '"1"2"',
    "'42'",
    '"a b"',
    '"1";a',
  ].map(each => [each, false] as const),
])('the contract takes %j as a list of ETags: %s', (header, valid) => {
  expect(faults(document.components.schemas.EntityTags as Schema, header).length === 0).toBe(valid)
})
