// Cursors when rows are purged, and when the account or the database is another one; and the rows that a page reads.
import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { type Account, createChanges, endOf } from '../../src/domain/changes.ts'
import { type Ann, follow } from '../support/changes.ts'
import { cases } from '../support/checks.ts'
import { planModes, planOf } from '../support/plan.ts'
import { record } from '../support/record.ts'
import { createDatabase as createEmpty, type Service, test } from '../support/taskspec.ts'

const create = async (ann: Ann, title = 'a') => (await ann.createTask({ body: { title } })).body.id
const remove = (ann: Ann, ...ids: string[]) =>
  ann.runBatch({ body: { atomic: true, operations: ids.map(taskId => ({ operationId: 'deleteTask', path: { taskId } })) } })
const expired = async (ann: Ann, cursor: string) => {
  const { body } = await ann.listChanges({ query: { cursor } }, 410)
  expect(body.type).toBe('/problems/cursor-expired')
}
const since = async (ann: Ann, cursor: string) => (await ann.listChanges({ query: { cursor } }, 200)).body.items

describe('after a purge', () => {
  test('a cursor from before the deletion is expired, and one from after it is not', async ({ as }) => {
    const ann = await as('ann')
    const id = await create(ann)
    const { nextCursor: before } = (await follow(ann)).last
    await remove(ann, id)
    const { nextCursor: after } = (await follow(ann)).last
    await ann.emptyTrash()
    await expired(ann, before)
    expect(await since(ann, after)).toEqual([])
  })

  test('a cursor in the middle of the deletion is expired, because the rest of it is gone', async ({ as }) => {
    const ann = await as('ann')
    const ids = [await create(ann), await create(ann), await create(ann)]
    const { nextCursor } = (await follow(ann)).last
    await remove(ann, ...ids)
    const page = (limit: number) => ann.listChanges({ query: { cursor: nextCursor, limit } }, 200)
    const [inside, end] = [(await page(2)).body, (await page(3)).body]
    expect([inside.groupComplete, end.groupComplete]).toEqual([false, true])
    await ann.emptyTrash()
    await expired(ann, inside.nextCursor)
    expect(await since(ann, end.nextCursor)).toEqual([])
  })

  test('a snapshot goes on if the rows were deleted before it began, and is expired if it may have shown them', async ({ as }) => {
    const ann = await as('ann')
    const [first, second] = [await create(ann), await create(ann)]
    await remove(ann, first)
    const { body: start } = await ann.listChanges({ query: { limit: 1 } })
    await ann.purgeFromTrash({ path: { itemId: first } })
    expect((await since(ann, start.nextCursor)).map(({ id }) => id)).toEqual([second])
    await remove(ann, second)
    expect((await since(ann, start.nextCursor)).map(({ id, resource }) => [id, resource])).toEqual([[second, null]])
    await ann.emptyTrash()
    await expired(ann, start.nextCursor)
  })

  test('the account can be followed from a new snapshot', async ({ as }) => {
    const ann = await as('ann')
    const [id, kept] = [await create(ann), await create(ann)]
    await remove(ann, id)
    await ann.emptyTrash()
    const { items, last } = await follow(ann, { limit: 1 })
    expect(items.map(({ id }) => id)).toEqual([ann.id, kept])
    await remove(ann, kept)
    expect((await since(ann, last.nextCursor)).map(({ id }) => id)).toEqual([kept])
  })
})

describe('a cursor of another history is expired', () => {
  test('after the account was erased, and also when it is there again', async ({ as }) => {
    const ann = await as('ann')
    await create(ann)
    const { nextCursor } = (await follow(ann)).last
    await ann.deleteUser()
    await expired(ann, nextCursor)
    // An account that is younger than its revisions, as after an import, could have the same ones again.
    const ids = [await create(ann), await create(ann)]
    await expired(ann, nextCursor)
    expect((await follow(ann)).items.map(({ id }) => id)).toEqual([ann.id, ...ids])
  })

  test('also if an import has made the account as old as the erased one', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    await create(ann)
    const { nextCursor } = (await follow(ann)).last
    const { createdAt } = (await ann.getUser()).body
    await ann.deleteUser()
    await create(ann)
    await sql`update users set created_at = ${createdAt} where id = ${ann.id}`
    await expired(ann, nextCursor)
  })

  test('if it is ahead of the account, as after the restore of an older state', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    for (const title of ['a', 'b', 'c']) await create(ann, title)
    const { nextCursor } = (await follow(ann)).last
    await sql`update users set revision = revision - 1 where id = ${ann.id}`
    await expired(ann, nextCursor)
    const { body: start } = await ann.listChanges({ query: { limit: 1 } })
    await sql`update users set revision = revision - 1 where id = ${ann.id}`
    await expired(ann, start.nextCursor)
  })

  test('in a copy of the database, also in the same cluster', async ({ onTestFinished }) => {
    const first = await createEmpty()
    onTestFinished(first.drop)
    const original = await accountIn(first.url, sql => sql`insert into users (id, revision, profile_revision) values ('ann', 1, 1)`)
    const second = await createEmpty(new URL(first.url).pathname.slice(1))
    onTestFinished(second.drop)
    const { epoch, ...copied } = await accountIn(second.url)
    expect({ ...copied, epoch: original.epoch }).toEqual(original)
    expect(epoch).not.toBe(original.epoch)
  })
})

/** The account of ann in a database to which nobody is connected afterwards. */
async function accountIn(databaseUrl: string, prepare: (sql: postgres.Sql) => Promise<unknown> = async () => {}): Promise<Account> {
  const sql = postgres(databaseUrl, { max: 1 })
  await prepare(sql)
  await sql.end()
  const { db, changes } = opened({ databaseUrl })
  const account = await changes.account('ann')
  await db.close()
  return account as Account
}

describe('between the statements of one request', () => {
  const races: [string, (ann: Ann, id: string) => Promise<unknown>][] = [
    ['a purge', ann => ann.emptyTrash()],
    ['an erasure', ann => ann.deleteUser()],
    ['an erasure, and a new contact', ann => ann.deleteUser().then(() => ann.getUser())],
  ]
  test.for(cases(races))('%s is noticed', async ([, race], { as, service, onTestFinished }) => {
    const ann = await as('ann')
    const { db, changes } = opened(service)
    onTestFinished(db.close)
    const ids = [await create(ann), await create(ann)] as [string, string]
    const before = (await changes.account(ann.id)) as Account
    await remove(ann, ids[0])
    const account = (await changes.account(ann.id)) as Account
    const from = endOf(before.revision)
    const between = (kinds?: ['user']) =>
      changes.between(ann.id, account, from, { until: account.revision, limit: 1, floor: 0, ...(kinds && { kinds }) })
    expect((await between())?.items).toMatchObject([{ id: ids[0], resource: null }])
    await race(ann, ids[0])
    expect(await between()).toBe(undefined)
  })

  test('a change is left for later, and nothing is lost', async ({ as, service, onTestFinished }) => {
    const ann = await as('ann')
    const { db, changes } = opened(service)
    onTestFinished(db.close)
    const ids = [await create(ann), await create(ann)] as [string, string]
    const account = (await changes.account(ann.id)) as Account
    await ann.updateTask({ path: { taskId: ids[0] }, body: { title: 'b' } })
    await ann.updateUser({ body: { name: 'Ann' } })
    const asked = { until: account.revision, limit: 10, floor: account.revision }
    const page = await changes.between(ann.id, account, endOf(0), asked)
    expect(page).toMatchObject({ items: [{ id: ids[1] }], hasMore: false, position: endOf(account.revision) })
    const later = (await changes.account(ann.id)) as Account
    const rest = await changes.between(ann.id, later, endOf(account.revision), { ...asked, until: later.revision })
    expect(rest?.items.map(({ id }) => id)).toEqual([ids[0], ann.id])
  })
})

describe('a page', () => {
  test('has the kinds that are asked for', async ({ as, service, onTestFinished }) => {
    const ann = await as('ann')
    const { db, changes } = opened(service)
    onTestFinished(db.close)
    await create(ann)
    await ann.createCategory({ body: { name: 'Home' } })
    const account = (await changes.account(ann.id)) as Account
    for (const kinds of [['user'], ['task', 'calendar'], ['category', 'user']] as const) {
      const page = await changes.between(ann.id, account, endOf(0), { until: account.revision, limit: 10, floor: account.revision, kinds })
      expect(page?.items.map(({ kind }) => kind)).toEqual(kinds.filter(kind => kind !== 'calendar').toSorted((a, b) => (a > b ? -1 : 1)))
    }
  })

  test.for(cases([...planModes]))(
    'reads no more tasks than it shows, with a plan for %s values',
    async (mode, { as, service, onTestFinished }) => {
      const ann = await as('ann')
      const statements: string[] = []
      const { db, changes } = opened(service, statements)
      onTestFinished(db.close)
      await ann.getUser()
      await fill(service, ann.id)
      const account = (await changes.account(ann.id)) as Account
      // Two callers share a statement, whose only parameter has the values of both.
      const values = {
        owner: ann.id,
        createdAt: account.createdAt,
        known: account.revision,
        id: randomUUID(),
        until: account.revision,
        floor: 0,
      }
      const callers = [0, account.revision - 7000].map((revision, question) => ({ question, ...values, revision, count: 51 }))
      await Promise.all([0, 1].map(() => changes.between(ann.id, account, endOf(0), { until: account.revision, limit: 1, floor: 0 })))
      const text = statements.findLast(each => each.includes('from tasks') && each.includes(' as asked (')) as string
      const plan = await planOf(service.sql, { name: '', text, values: [JSON.stringify(callers)] }, mode, 'analyze')
      const scans = plan.filter(node => node['Relation Name'] === 'tasks')
      expect(scans).toHaveLength(1)
      expect(scans[0]).toMatchObject({ 'Node Type': 'Index Scan', 'Actual Rows': 51, 'Actual Loops': 2 })
      expect(scans[0]?.['Index Cond']).toMatch(/owner_id = .*ROW\(/)
      expect(scans[0]?.['Rows Removed by Filter'] ?? 0).toBe(0)
    },
  )
})

/** The parts that the server uses, without a server. */
function opened({ databaseUrl }: Pick<Service, 'databaseUrl'>, statements: string[] = []) {
  const observe = (statement: string) => {
    statements.push(statement)
    record('statements', statement)
  }
  const db = createDatabase({ url: parseDatabaseUrl(databaseUrl), poolSize: 2, timeoutFactor: 10, observe })
  return { db, changes: createChanges(db) }
}

/** Tasks of ann, who has one of ten, and one of five of hers is deleted. */
async function fill({ sql }: Service, owner: string) {
  await sql`insert into users (id, revision, profile_revision) values ('other', 1, 1) on conflict do nothing`
  await sql`
    insert into tasks (owner_id, id, title, priority, labels, revision, deleted_at)
    select case when n % 10 = 0 then ${owner} else 'other' end, gen_random_uuid(), 'Task ' || n, 'none', '{}', u.revision + n / 10,
      case when n % 50 = 0 then now() end
    from users u, generate_series(1, 80000) as n where u.id = ${owner}`
  await sql`update users set revision = revision + 8000 where id = ${owner}`
  await sql`analyze tasks, users`
}
