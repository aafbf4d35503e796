// The replies of the whole run against the spec: every declared status was seen, and no other. A reply that any request can get comes before
// the operation is known, so one such reply counts for every operation that declares it with the same component.
import { expect, test } from 'vitest'
import { readRecord } from '../support/record.ts'
import { anyRequest, operations } from '../support/spec.ts'

// Declared replies that no test can cause, each with the reason. Remove an entry once a test causes it.
const unseen: Record<string, string> = {}

const seen = new Set(
  (await readRecord<{ operationId: string; status: number }>('replies')).map(({ operationId, status }) => `${operationId} ${status}`),
)
const replies = operations.flatMap(({ operationId, responses }) =>
  Object.entries(responses).map(([status, response]) => ({
    name: `${operationId} ${status}`,
    status,
    isEarly: response['x-any-request'] === true,
  })),
)
const declared = new Set([
  ...replies.map(({ name }) => name),
  ...replies.filter(({ isEarly }) => isEarly).map(({ status }) => `${anyRequest} ${status}`),
])

test('every declared reply was seen', () => {
  expect(declared.size).toBeGreaterThan(100)
  const inRun = replies.filter(({ name, status, isEarly }) => seen.has(name) || (isEarly && seen.has(`${anyRequest} ${status}`)))
  const names = new Set(inRun.map(({ name }) => name))
  expect(replies.map(({ name }) => name).filter(name => !names.has(name) && unseen[name] === undefined)).toEqual([])
})

test('every reply that was seen is declared', () => {
  expect([...seen].filter(each => !declared.has(each))).toEqual([])
})

test('the list of exceptions is needed', () => {
  expect(Object.keys(unseen).filter(each => seen.has(each) || !declared.has(each))).toEqual([])
})
