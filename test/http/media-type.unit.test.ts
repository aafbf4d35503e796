// Which Content-Type and Content-Encoding a body may have.
import { expect, test } from 'vitest'
import { acceptedType, isUncoded } from '../../src/http/media-type.ts'

const json = 'application/json'
const types = [json, 'application/merge-patch+json']

test.each([
  ['application/json', json],
  ['Application/JSON', json],
  ['application/merge-patch+json', 'application/merge-patch+json'],
  ['APPLICATION/Merge-Patch+JSON;charset=UTF-8', 'application/merge-patch+json'],
  ['application/json; charset=utf-8', json],
  ['application/json;charset="UTF-8"', json],
  ['application/json;charset="ut\\f-8"', json],
  ['application/json; charset=utf8', json],
  ['application/json;', json],
  ['application/json ;\t; charset=utf-8;', json],
  ['application/json; version=1; charset=utf-8; profile="x;y"', json],
  ['application/json; odata.metadata=minimal; IEEE754Compatible=true', json],
  ['application/json; profile="charset=latin1"', json],
  ['application/json; profile="a \\" ; charset=latin1"', json],
  ['application/json; xcharset=latin1', json],
])('%s is %s', (header, type) => {
  expect(acceptedType(header, types)).toBe(type)
})

test.each([
  '',
  'json',
  '*/*',
  'application/*',
  'text/plain',
  'application/jsonx',
  'application/problem+json',
  'application/json; charset=latin1',
  'application/json; CHARSET="ISO-8859-1"',
  'application/json; charset=utf-16',
  'application/json; charset=utf-8; charset=utf-16',
  'application/json; profile="x"; charset=latin1',
  'application/json; charset=""',
  'application/json; charset=',
  'application/json; charset',
  'application/json; charset =utf-8',
  'application/json; charset="utf-8',
  'application/json; profile="a"b',
  'application/json charset=utf-8',
  'application /json',
  'application/json, application/json',
])('%s is no accepted type', header => {
  expect(acceptedType(header, types)).toBeUndefined()
})

test('a type that the operation does not take is not accepted', () => {
  expect(acceptedType('application/merge-patch+json', [json])).toBeUndefined()
  expect(acceptedType('application/json', ['text/csv'])).toBeUndefined()
  expect(acceptedType('text/csv; header=present', ['text/csv'])).toBe('text/csv')
})

test.each([
  ['identity', true],
  ['Identity', true],
  ['', true],
  ['identity, identity', true],
  ['gzip', false],
  ['identity, gzip', false],
  ['x-gzip', false],
])('%j leaves a body as it is: %s', (codings, uncoded) => {
  expect(isUncoded(codings)).toBe(uncoded)
})
