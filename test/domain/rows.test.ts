// Changes of rows by several owners at once share one statement. A shared statement that PostgreSQL refuses would go unnoticed otherwise,
// because then each caller goes alone.
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { sql } from '../../src/database/sql.ts'
import { createCategories } from '../../src/domain/categories.ts'
import { accountLock } from '../../src/domain/revision.ts'
import { createTasks } from '../../src/domain/tasks.ts'
import { record } from '../support/record.ts'
import { test } from '../support/taskspec.ts'

const claims = { email: null, name: null }
const any = { match: null, except: null }
const task = {
  ...{ title: 'a', description: null, completed: false, priority: 'none' as const, categoryId: null },
  ...{ dueDate: null, dueTime: null, timeZone: null, labels: ['x'] },
}
const category = { name: 'a', color: null, position: 0 }

test('every change of a resource is one statement for three owners', async ({ service }) => {
  const sent: string[] = []
  const db = createDatabase({
    url: parseDatabaseUrl(service.databaseUrl),
    poolSize: 2,
    ownerLock: accountLock,
    observe: statement => {
      record('statements', statement)
      sent.push(statement)
    },
  })
  const owners = await Promise.all(
    ['ann', 'bob', 'eve'].map(async name => {
      const id = `${name}-rows`
      await service.sql`insert into users (id, revision, profile_revision) values (${id}, 1, 1)`
      return id
    }),
  )
  await db.read('select 1', sql`select 1`) // opens a connection

  const check = async () => {}
  async function expectShared<Result>(change: (owner: string) => Promise<Result>) {
    sent.length = 0
    const results = await Promise.all(owners.map(change))
    expect(sent).toHaveLength(1)
    expect(sent[0]).toContain('from asked')
    return results
  }

  for (const [rows, input] of [
    [createTasks(db), task],
    [createCategories(db), category],
  ] as const) {
    const { create, put, update, remove } = rows as unknown as ReturnType<typeof createTasks>
    const body = input as typeof task
    const named = (text: string) => ('name' in body ? { ...body, name: text } : body)
    const id = randomUUID()
    await expectShared(owner => create(owner, claims, randomUUID(), named('a')))
    const [{ revision }] = (await expectShared(owner => put(owner, claims, id, named('b')))) as unknown as [{ revision: number }]
    await expectShared(owner => create(owner, claims, randomUUID(), named('c'), { match: [revision, 3, 4, 5], except: [1], check }))
    await expectShared(owner => put(owner, claims, id, named('d'), { match: null, except: [1], check }))
    await expectShared(owner => put(owner, claims, randomUUID(), named('e'), { match: null, except: null, check }))
    await expectShared(owner => update(owner, id, any, { ...named('f') }))
    await expectShared(owner => remove(owner, id, any))
  }
  await db.close()
})
