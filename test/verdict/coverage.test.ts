// The whole run against the spec: every status that it declares was seen, and no other.
import { expect, test } from 'vitest'
import { recorded } from '../support/record.ts'
import { operations } from '../support/spec.ts'

// What a test can't cause, each with its reason. An entry that was seen after all must go.
const unseen: Record<string, string> = {}

const seen = new Set(
  (await recorded<{ operationId: string; status: number }>('replies')).map(({ operationId, status }) => `${operationId} ${status}`),
)
const declared = new Set(
  operations.flatMap(({ operationId, responses }) => Object.keys(responses).map(status => `${operationId} ${status}`)),
)

test('every declared reply was seen', () => {
  expect([...declared].filter(each => !seen.has(each) && unseen[each] === undefined)).toEqual([])
})

test('no reply was seen that is not declared', () => {
  expect([...seen].filter(each => !declared.has(each))).toEqual([])
})

test('the list of exceptions is needed', () => {
  expect(Object.keys(unseen).filter(each => seen.has(each) || !declared.has(each))).toEqual([])
})
