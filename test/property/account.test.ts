// Compares an account with a model of it: after every request of a random sequence both must be the same.
import fc from 'fast-check'
import { expect } from 'vitest'
import { test } from '../support/taskspec.ts'
import { commands } from './commands.ts'
import { createPlayer } from './player.ts'
import { holds, unlessStalled } from './seed.ts'

test('an account equals its model after every request', async ({ service }) => {
  const property = fc.asyncProperty(commands, list =>
    unlessStalled(async () => {
      const { play, compare } = await createPlayer(service)
      for (const [i, command] of list.entries())
        await play(command).catch(error => {
          throw new Error(`at command ${i}, ${JSON.stringify(command)}: ${error.message}`, { cause: error })
        })
      await compare()
    }),
  )
  await holds(property, { runs: 64, lanes: 4 }) // every run of the suite has another seed, so they add up

  // The quotas depend on this: an account never has more rows than changes.
  const { sql } = service
  const accounts = await sql<{ changes: string; tasks: string; categories: string }[]>`
    select revision - start_revision as changes, (select count(*) from tasks where owner_id = users.id) as tasks,
      (select count(*) from categories where owner_id = users.id) as categories
    from users`
  expect(accounts.length).toBeGreaterThan(10)
  for (const { changes, tasks, categories } of accounts) expect(Number(tasks) + Number(categories)).toBeLessThanOrEqual(Number(changes))
})
