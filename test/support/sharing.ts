// Reads and changes of rows by several owners at once share one statement. A shared statement that PostgreSQL refuses would go unnoticed
// otherwise, because then each caller goes alone.
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { sql } from '../../src/database/sql.ts'
import { createCategories } from '../../src/domain/categories.ts'
import { accountLock } from '../../src/domain/revision.ts'
import { type SortName, sorts } from '../../src/domain/sort.ts'
import { createTasks } from '../../src/domain/tasks.ts'
import { createUsers } from '../../src/domain/users.ts'
import { record } from './record.ts'

const claims = { email: null, name: null }
const any = { match: null, except: null }
const task = {
  ...{ title: 'a', description: null, completed: false, priority: 'none' as const, categoryId: null },
  ...{ dueDate: null, dueTime: null, timeZone: null, labels: ['x'] },
}
const category = { name: 'a', color: null, position: 0 }

/** Expects that every read and every change of a resource is one statement for three owners. */
export async function expectSharing(databaseUrl: string, admin: postgres.Sql): Promise<void> {
  const sent: string[] = []
  const db = createDatabase({
    url: parseDatabaseUrl(databaseUrl),
    poolSize: 2,
    ownerLock: accountLock,
    observe: statement => {
      record('statements', statement)
      sent.push(statement)
    },
  })
  const owners = ['ann', 'bob', 'eve'].map(name => `${name}-rows`)
  for (const id of owners) await admin`insert into users (id, revision, profile_revision) values (${id}, 1, 1)`
  await db.read('select 1', sql`select 1`) // opens a connection

  async function expectShared<Result>(ask: (owner: string) => Promise<Result>) {
    sent.length = 0
    const results = await Promise.all(owners.map(ask))
    expect(sent).toHaveLength(1)
    expect(sent[0]).toContain(' as asked (')
    return results
  }

  const [users, tasks, categories] = [createUsers(db), createTasks(db), createCategories(db)]
  for (const [rows, input] of [
    [tasks, task],
    [categories, category],
  ] as const)
    await expectSharedRows(rows as unknown as typeof tasks, input as typeof task, expectShared)
  for (const sort of Object.keys(sorts) as SortName[]) await expectShared(owner => tasks.list(owner, { limit: 2, sort }))
  await expectShared(owner => categories.list(owner, { limit: 2 }))
  await expectShared(users.one)
  await db.close()
}

type ExpectShared = <Result>(ask: (owner: string) => Promise<Result>) => Promise<Result[]>

async function expectSharedRows(rows: ReturnType<typeof createTasks>, body: typeof task, expectShared: ExpectShared) {
  const holds = async () => true
  const named = (text: string) => ('name' in body ? { ...body, name: text } : body)
  const id = randomUUID()
  await expectShared(owner => rows.create(owner, claims, randomUUID(), named('a')))
  const [added] = await expectShared(owner => rows.add(owner, claims, id, named('b')))
  const guard = { match: [added?.revision as number, 3, 4, 5], except: [1], holds }
  await expectShared(owner => rows.create(owner, claims, randomUUID(), named('c'), guard))
  await expectShared(owner => rows.update(owner, id, any, { ...named('f') }))
  await expectShared(owner => rows.one(owner, id))
  await expectShared(rows.currentRevision)
  await expectShared(owner => rows.remove(owner, id, any))
}
