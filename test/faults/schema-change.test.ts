import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { test } from '../support/taskspec.ts'
import { crowd, expectPromises, tally } from './crowd.ts'

test('while the tables change under load everybody gets their own, and at once', async ({ service }) => {
  const { url, databaseUrl, sql } = service
  const people = await crowd(url, 16)
  for (let round = 0; round < 10; round++) {
    await sql.unsafe(`alter table tasks add column extra${round} text default 'x'`)
    // A plan whose columns have other types can't be used any more: the driver has to send such a statement twice.
    for (const type of ['varchar(600)', 'text', 'varchar(700)', 'text']) {
      await sql.unsafe(`alter table tasks alter column title type ${type}, alter column description type ${type}`)
      await sleep(15)
    }
    await sql.unsafe(`alter table tasks drop column extra${round}`)
  }
  const seen = await people.leave()

  const { calls } = seen
  expect(Object.keys(tally(calls)).sort()).toEqual(['200', '201'])
  expect(calls.length).toBeGreaterThan(200)
  await expectPromises(seen, databaseUrl)
})
