// The replies of the whole run against the spec: every declared status was seen, and no other.
import { expect, test } from 'vitest'
import { readRecord } from '../support/record.ts'
import { operations } from '../support/spec.ts'

// Declared replies that no test can cause, each with the reason. Remove an entry once a test causes it.
const unseen: Record<string, string> = {}

const seen = new Set(
  (await readRecord<{ operationId: string; status: number }>('replies')).map(({ operationId, status }) => `${operationId} ${status}`),
)
const declared = new Set(
  operations.flatMap(({ operationId, responses }) => Object.keys(responses).map(status => `${operationId} ${status}`)),
)

test('every declared reply was seen', () => {
  expect(declared.size).toBeGreaterThan(100)
  expect([...declared].filter(each => !seen.has(each) && unseen[each] === undefined)).toEqual([])
})

test('every reply that was seen is declared', () => {
  expect([...seen].filter(each => !declared.has(each))).toEqual([])
})

test('the list of exceptions is needed', () => {
  expect(Object.keys(unseen).filter(each => seen.has(each) || !declared.has(each))).toEqual([])
})
