// The schema changes while users work.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { test } from '../support/taskspec.ts'
import { crowd, expectPromises, tally } from './crowd.ts'

test('while the tables change under load, each request succeeds, and each user sees their own tasks', async ({ service }) => {
  const { url, databaseUrl, sql } = service
  const users = await crowd(url, 16)
  for (let round = 0; round < 10; round++) {
    await sql.unsafe(`alter table tasks add column extra${round} text default 'x'`)
    // Other column types make a prepared plan invalid: the driver must send such a statement again.
    // Title and description can't change: generated columns depend on them.
    for (const type of ['varchar(600)', 'text', 'varchar(700)', 'text']) {
      await sql.unsafe(`alter table tasks alter column time_zone type ${type}`)
      await sleep(15)
    }
    await sql.unsafe(`alter table tasks drop column extra${round}`)
  }
  await users.served()
  const seen = await users.leave()

  const { calls } = seen
  expect(Object.keys(tally(calls)).sort()).toEqual(['200', '201'])
  expect(calls.length).toBeGreaterThanOrEqual(16 * 4)
  await expectPromises(seen, databaseUrl)
})
