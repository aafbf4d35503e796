// The table of capabilities in README.md.
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { operations } from '../support/spec.ts'

const root = new URL('../../', import.meta.url)
const rows =
  /^\| capability \|.*\n\|.*\n((?:\|.*\n)+)/m
    .exec(readFileSync(new URL('README.md', root), 'utf8'))?.[1]
    ?.trim()
    .split('\n') ?? []

test('has each operation of a user once', () => {
  const named = rows.flatMap(row => [...row.matchAll(/`([a-z]+[A-Z]\w+)`/g)].map(([, name]) => name as string))
  const ofUsers = operations.filter(({ path }) => path.includes('{userId}')).map(({ operationId }) => operationId)
  expect(named.filter(name => ofUsers.some(each => each === name)).sort()).toEqual(ofUsers.sort())
})

test('names a test in each row, which is there', () => {
  expect(rows.length).toBeGreaterThan(10)
  for (const row of rows) {
    const files = [...row.matchAll(/\]\((test\/[^)]+\.test\.ts)\)/g)].map(([, file]) => file as string)
    expect([row, files.filter(file => existsSync(new URL(file, root)))]).toEqual([row, files])
    expect(files.length, row).toBeGreaterThan(0)
  }
})
