// Reads and changes of rows by several owners at once share one statement. A shared statement that PostgreSQL refuses would go unnoticed
// otherwise, because then each caller goes alone.
import { randomUUID } from 'node:crypto'
import type postgres from 'postgres'
import { expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { sql } from '../../src/database/sql.ts'
import { createCalendars } from '../../src/domain/calendars.ts'
import { createCategories } from '../../src/domain/categories.ts'
import { type Account, createChanges, endOf } from '../../src/domain/changes.ts'
import { createFeeds } from '../../src/domain/feeds.ts'
import { createMoves } from '../../src/domain/moves.ts'
import { accountLock } from '../../src/domain/revision.ts'
import { type SortName, sorts } from '../../src/domain/sort.ts'
import { createTasks } from '../../src/domain/tasks.ts'
import { createTrash } from '../../src/domain/trash.ts'
import { createUsers } from '../../src/domain/users.ts'
import { createWebhooks } from '../../src/domain/webhooks.ts'
import { record } from './record.ts'

const claims = { email: null, name: null }
const any = { match: null, except: null }
const task = {
  ...{ title: 'a', description: null, completed: false, priority: 'none' as const, categoryId: null, parentId: null, sortKey: null },
  ...{
    dueDate: null,
    dueTime: null,
    startDate: null,
    deadlineDate: null,
    durationMinutes: null,
    timeZone: null,
    labels: ['x'],
    reminders: [],
    recurrence: null,
  },
}
const category = { name: 'a', color: null, position: 0, sortKey: null }
const calendar = { name: 'a', kind: 'todo' as const, categoryIds: [randomUUID()], labels: ['x', 'y'] }
const webhook = { url: 'https://example.com/hook', kinds: ['task' as const, 'reminder' as const], enabled: true }

/** Expects that every read and every change of a resource is one statement for three owners; what depends on other tasks, a read and a change. */
export async function expectSharing(databaseUrl: string, admin: postgres.Sql): Promise<void> {
  const sent: string[] = []
  const db = createDatabase({
    url: parseDatabaseUrl(databaseUrl),
    poolSize: 2,
    timeoutFactor: 10,
    ownerLock: accountLock,
    observe: statement => {
      record('statements', statement)
      sent.push(statement)
    },
  })
  const owners = ['ann', 'bob', 'eve'].map(name => `${name}-rows`)
  for (const id of owners) await admin`insert into users (id, revision, profile_revision) values (${id}, 1, 1)`
  await db.read('select 1', sql`select 1`) // opens a connection

  async function expectShared<Result>(ask: (owner: string) => Promise<Result>, statements = 1) {
    sent.length = 0
    const results = await Promise.all(owners.map(ask))
    expect(sent).toHaveLength(statements)
    for (const each of sent) expect(each).toContain(' as asked (')
    return results
  }

  const [users, tasks, categories, trash] = [createUsers(db), createTasks(db), createCategories(db), createTrash(db)]
  const id = randomUUID()
  await expectShared(owner => tasks.create(owner, claims, randomUUID(), task))
  const [added] = await expectShared(owner => tasks.add(owner, claims, id, task))
  await expectShared(owner =>
    tasks.addAll(
      owner,
      [randomUUID(), randomUUID()].map(id => ({ ...task, id })),
    ),
  )
  expect(await expectShared(owner => tasks.usedIds(owner, [id, randomUUID()]))).toEqual([[id], [id], [id]])
  const guard = { match: [added?.revision as number, 3, 4, 5, 6, 7], except: [1], holds: async () => true }
  await expectShared(owner => tasks.create(owner, claims, randomUUID(), task, guard))
  const keyedId = randomUUID()
  const once = { holds: async () => true, requestHash: '00ff' }
  await expectShared(owner => tasks.create(owner, claims, keyedId, task, { ...any, ...once }))
  expect(await expectShared(owner => tasks.made(owner, keyedId, '00ff'))).toMatchObject([[{ isSame: true }], [{}], [{}]])
  await expectShared(owner => tasks.update(owner, id, any, { title: 'b' }))
  await expectShared(owner => tasks.update(owner, id, any, { priority: 'low' })) // nothing is generated again
  await expectShared(owner => tasks.create(owner, claims, randomUUID(), { ...task, parentId: id }), 2)
  await expectShared(owner => tasks.add(owner, claims, randomUUID(), { ...task, parentId: id }), 2)
  await expectShared(owner => tasks.update(owner, id, any, { ...task, completed: true }), 2)
  const daily = { recurrence: { rule: 'FREQ=DAILY', from: 'due' as const }, dueDate: '2027-03-01' }
  await expectShared(owner => tasks.update(owner, id, any, { ...daily, completed: false }))
  await expectShared(owner => tasks.skip(owner, id, any), 2)
  await expectShared(owner => tasks.update(owner, id, any, { completed: true }), 3) // the third reads which ids are taken
  const moves = createMoves(db, tasks)
  await expectShared(owner => moves.move(owner, id, any, {}), 3)
  await expectShared(owner => tasks.one(owner, id))
  await expectShared(tasks.currentRevision)
  await expectShared(owner => tasks.remove(owner, id, any), 2)
  await expectShared(owner => trash.restore(owner, id, () => {}), 2)

  await expectShared(owner => categories.create(owner, claims, randomUUID(), category))
  await expectShared(owner => categories.create(owner, claims, randomUUID(), { ...category, name: 'k' }, { ...any, ...once }))
  await expectShared(owner => categories.made(owner, id, '00ff'))
  await expectShared(owner => categories.addAll(owner, [{ ...category, name: 'm', id: randomUUID() }]))
  await expectShared(owner => categories.usedIds(owner, [id]))
  await expectShared(owner => categories.add(owner, claims, id, { ...category, name: 'b' }))
  await expectShared(owner => categories.update(owner, id, any, { ...category, name: 'c' }))
  await expectShared(owner => categories.one(owner, id))
  await expectShared(owner => categories.remove(owner, id, any))
  await expectShared(owner => trash.restore(owner, id, () => {}), 2)
  for (const sort of Object.keys(sorts) as SortName[]) await expectShared(owner => tasks.list(owner, { limit: 2, sort })())
  await expectShared(owner => categories.list(owner, { limit: 2 }))
  await expectShared(users.one)

  const [calendars, feeds] = [createCalendars(db, null), createFeeds(db)]
  await admin`update users set calendar_room = revision + 10` // else the first create finds no certain room, and counts
  const made = await expectShared(owner => calendars.create(owner, claims, id, calendar))
  await expectShared(owner => calendars.create(owner, claims, randomUUID(), calendar, { ...any, ...once }))
  await expectShared(owner => calendars.made(owner, id, '00ff'))
  await expectShared(owner => calendars.update(owner, id, any, { ...calendar, labels: null }))
  await expectShared(owner => calendars.one(owner, id))
  const tokens = made.map(row => row?.url?.slice('/v1/calendars/'.length, -'.ics'.length) as string)
  await admin`update calendars set last_used_at = now()`
  await expectShared(owner => feeds.open(tokens[owners.indexOf(owner)] as string))
  await expectShared(owner => calendars.remove(owner, id, any))

  const webhooks = createWebhooks(db, false)
  await admin`update users set webhook_room = revision + 10`
  await expectShared(owner => webhooks.create(owner, claims, id, webhook))
  await expectShared(owner => webhooks.create(owner, claims, randomUUID(), webhook, { ...any, ...once }))
  await expectShared(owner => webhooks.made(owner, id, '00ff'))
  await expectShared(owner => webhooks.update(owner, id, any, webhook))
  await expectShared(owner => webhooks.rotate(owner, id, any))
  await expectShared(owner => webhooks.one(owner, id))
  await expectShared(owner => webhooks.remove(owner, id, any))

  const changes = createChanges(db)
  const accounts = await expectShared(changes.account)
  const all = (owner: string) => {
    const account = accounts[owners.indexOf(owner)] as Account
    return changes.between(owner, account, endOf(0), { until: account.revision, limit: 100, floor: 0 })
  }
  const pages = await expectShared(all, 5)
  for (const page of pages) expect(new Set(page?.items.map(({ kind }) => kind)).size).toBe(5)
  await db.close()
}
