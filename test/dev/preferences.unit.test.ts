import { expect, test } from 'vitest'
import { parsePreferences } from '../../src/dev/preferences.ts'

// The last ones are the examples of RFC 7240.
test.for<[header: string, preferences: Record<string, string>]>([
  ['code=503', { code: '503' }],
  ['Code = "503" , delay=800', { code: '503', delay: '800' }],
  ['code=503,example=overload,code=409', { code: '503', example: 'overload' }],
  ['note="a, \\"b\\"; c", delay=800', { note: 'a, "b"; c', delay: '800' }],
  ['delay=800; why="a, b=c"; x, lose=reply', { delay: '800', lose: 'reply' }],
  ['=5, code=a b, delay=8"0", ,, lose=reply', { lose: 'reply' }],
  ['"open, code=503', { code: '503' }],
  ['', {}],
  ['foo; bar', { foo: '' }],
  ['foo; bar=""', { foo: '' }],
  ['foo=""; bar', { foo: '' }],
  ['respond-async, wait=100, handling=lenient', { 'respond-async': '', wait: '100', handling: 'lenient' }],
])('%s', ([header, preferences]) => {
  expect(Object.fromEntries(parsePreferences(header))).toEqual(preferences)
})
