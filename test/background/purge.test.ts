// What is in the trash for too long is removed by every process, without a request.
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { trashDays } from '../../src/domain/tombstones.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { lockAccount, lockWaits } from '../support/lock.ts'
import { createDatabase, type Service, start, test, tokenOf } from '../support/taskspec.ts'

const often = { purgeMs: 5, databaseFactor: 10 }

/** Deletes a task with a subtask, and a category, so long ago that the days are over, or not yet. */
async function deleteLongAgo({ sql }: Pick<Service, 'sql'>, owner: string, { isOver = true, count = 1 } = {}) {
  const age = isOver ? `${trashDays} days 1 second` : `${trashDays - 1} days 23 hours`
  await sql`
    insert into users (id, revision, profile_revision) values (${owner}, 100, 1)
    on conflict (id) do nothing`
  const [root, category] = [randomUUID(), randomUUID()]
  await sql`
    insert into tasks (owner_id, id, title, priority, labels, revision, deleted_at, parent_id, depth)
    select ${owner}, id, 'x', 'none', '{}', 70, now() - ${age}::text::interval, parent_id, depth
    from (
      select ${root}::uuid as id, null::uuid as parent_id, 0 as depth
      union all
      select gen_random_uuid(), ${root}::uuid, 1 from generate_series(1, ${count}::int)) as row`
  await sql`
    insert into categories (owner_id, id, name, position, revision, deleted_at)
    values (${owner}, ${category}, 'x', 0, 80, now() - ${age}::text::interval)`
}

const rowsOf = async ({ sql }: Pick<Service, 'sql'>, owner: string) => {
  const [counts] = await sql<{ rows: number; floor: number; revision: number }[]>`
    select (select count(*)::int from tasks t where t.owner_id = u.id) + (select count(*)::int from categories c where c.owner_id = u.id) as rows,
      purged_revision::float as floor, revision::float
    from users u where id = ${owner}`
  return counts
}

test('two servers remove what is too old, and nothing else', async ({ as, service, onTestFinished }) => {
  const users = await Promise.all(Array.from({ length: 12 }, (_, number) => as(`user${number}`)))
  const [ann] = users as [(typeof users)[0] & { id: string }]
  const { body: live } = await ann.createTask({ body: { title: 'live' } })
  for (const { id } of users) await deleteLongAgo(service, id)
  await deleteLongAgo(service, ann.id, { isOver: false })
  const before = await rowsOf(service, ann.id)
  const { etag } = await ann.listTrash()

  const servers = await Promise.all([1, 2].map(() => start({ databaseUrl: service.databaseUrl, timeouts: often, metricsPort: 0 })))
  for (const { stop } of servers) onTestFinished(stop)
  for (const { id } of users.slice(1))
    await eventually(async () => expect(await rowsOf(service, id)).toEqual({ rows: 0, floor: 80, revision: 101 }))
  await eventually(async () => expect((await rowsOf(service, ann.id))?.rows).toBe(4))
  expect(await rowsOf(service, ann.id)).toEqual({ rows: 4, floor: before?.floor, revision: (before?.revision ?? 0) + 1 })
  expect((await ann.getTask({ path: { taskId: live.id } })).body).toEqual(live)
  expect((await ann.listTrash({ headers: { 'If-None-Match': etag } }, 200)).body.items).toHaveLength(2)

  await eventually(async () => {
    const pages = await Promise.all(servers.map(async ({ metricsUrl }) => (await fetch(metricsUrl as string)).text()))
    const counts = pages.map(page => Number(/^taskspec_rows_purged_total (\d+)$/m.exec(page)?.[1]))
    expect(counts.reduce((sum, each) => sum + each)).toBe(12 * 3)
    for (const page of pages) expect(page).toMatch(/^taskspec_purge_success_timestamp_seconds \d{10}/m)
  })
})

test('an account that another transaction holds is left, and nobody waits', async ({ as, service, onTestFinished }) => {
  const [ann, bob] = [await as('ann'), await as('bob')]
  for (const { id } of [ann, bob]) await deleteLongAgo(service, id)
  const { release } = await lockAccount(service.sql, ann.id)
  const observed: string[] = []
  const { stop } = await start({ databaseUrl: service.databaseUrl, timeouts: often, observe: text => observed.push(text) })
  onTestFinished(stop)
  const purges = () => observed.filter(text => text.includes('purged_revision')).length
  await eventually(async () => expect((await rowsOf(service, bob.id))?.rows).toBe(0))
  const sent = purges()
  await eventually(() => expect(purges()).toBeGreaterThan(sent + 2)) // it was tried again and again
  const waiting = await lockWaits(service.sql)
  expect([waiting.length, (await rowsOf(service, ann.id))?.rows]).toEqual([0, 3])
  await ann.listTasks()
  await release()
  await eventually(async () => expect((await rowsOf(service, ann.id))?.rows).toBe(0))
})

test('much is removed in small statements, and a server that stops leaves the rest', async () => {
  const database = await createDatabase()
  const { default: postgres } = await import('postgres')
  const sql = postgres(database.url, { max: 1 })
  await deleteLongAgo({ sql }, 'ann', { count: 3_000 })
  const left = async () => (await rowsOf({ sql }, 'ann'))?.rows as number

  const sent = Promise.withResolvers<void>()
  const observe = (text: string) => text.includes('purged_revision') && sent.resolve()
  const first = await start({ databaseUrl: database.url, timeouts: often, observe })
  await sent.promise
  await first.stop()
  const rest = await left()
  expect([rest > 0, rest < 3_002]).toEqual([true, true])
  // What is left of what was deleted together is still one item.
  const second = await start({ databaseUrl: database.url, timeouts: { databaseFactor: 10 } })
  const ann = client(second.url, await tokenOf('ann'))
  expect((await ann.listTrash()).body.items).toMatchObject([{ kind: 'task', count: rest - 1 }])
  expect(await left()).toBe(rest)
  await second.stop()

  const third = await start({ databaseUrl: database.url, timeouts: often })
  await eventually(async () => expect(await left()).toBe(0))
  await third.stop()
  await sql.end()
  await database.drop()
})

test('a deleted webhook is removed too', async ({ as, service, onTestFinished }) => {
  const ann = await as('ann')
  const { body } = await ann.createWebhook({ body: { url: 'https://example.com/hook' } })
  await ann.deleteWebhook({ path: { webhookId: body.id } })
  await service.sql`update webhooks set deleted_at = now() - ${`${trashDays} days 1 second`}::text::interval where owner_id = ${ann.id}`
  const { stop } = await start({ databaseUrl: service.databaseUrl, timeouts: often })
  onTestFinished(stop)
  await eventually(async () => expect([...(await service.sql`select id from webhooks where owner_id = ${ann.id}`)]).toEqual([]))
  expect((await rowsOf(service, ann.id))?.floor).toBe(body.revision + 1)
})

test('a deleted calendar is removed too', async ({ as, service, onTestFinished }) => {
  const ann = await as('ann')
  const { body } = await ann.createCalendar({ body: { name: 'Plans' } })
  await ann.deleteCalendar({ path: { calendarId: body.id } })
  await service.sql`update calendars set deleted_at = now() - ${`${trashDays} days 1 second`}::text::interval where owner_id = ${ann.id}`
  const { stop } = await start({ databaseUrl: service.databaseUrl, timeouts: often })
  onTestFinished(stop)
  await eventually(async () => expect([...(await service.sql`select id from calendars where owner_id = ${ann.id}`)]).toEqual([]))
  expect((await rowsOf(service, ann.id))?.floor).toBe(body.revision + 1)
})
