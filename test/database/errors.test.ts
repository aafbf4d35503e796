// `violates` reads names in the messages of PostgreSQL, so no message may contain a value that a user has sent.
import { expect } from 'vitest'
import { violates } from '../../src/database/errors.ts'
import { test } from '../support/taskspec.ts'

const id = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'

test.for([
  [
    '23505',
    'categories_folded_name_key',
    `insert into categories (owner_id, id, name, position, revision)
    values ('errors', gen_random_uuid(), 'secret', 1, 1), ('errors', gen_random_uuid(), 'secret', 1, 1)`,
  ],
  [
    '23503',
    'tasks_category_fkey',
    `insert into tasks (owner_id, id, title, priority, labels, revision, category_id)
    values ('errors', '${id}', 'secret', 'none', '{}', 1, '${id}')`,
  ],
  [
    '23514',
    'tasks_due_time_needs_due_date',
    `insert into tasks (owner_id, id, title, priority, labels, revision, due_time)
    values ('errors', '${id}', 'secret', 'none', '{}', 1, '10:00')`,
  ],
] as const)('%s names %s in its message, and the values only in its detail', async ([code, constraint, statement], { service }) => {
  await service.sql`insert into users (id, revision, profile_revision) values ('errors', 1, 1) on conflict do nothing`
  const error = await service.sql.unsafe(statement).catch(error => error)
  expect(error).toMatchObject({ code, constraint_name: constraint, detail: expect.stringMatching(/secret|019c5a21/) })
  expect(error.message).not.toMatch(/secret|019c5a21|errors|10:00/)
  expect(violates(error, constraint)).toBe(true)
  delete error.constraint_name
  expect(violates(error, constraint)).toBe(true)
  expect(violates(error, `${constraint}_other`)).toBe(false)
})
