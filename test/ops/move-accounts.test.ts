// src/ops/move-accounts.sh between two databases, seen through the API of both cells.
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type postgres from 'postgres'
import { expect } from 'vitest'
import { follow } from '../support/changes.ts'
import { needs } from '../support/checks.ts'
import { type Client, client } from '../support/client.ts'
import { tokenOf } from '../support/taskspec.ts'
import { type Cells, found, ops, test, type User } from './cells.ts'

const withPsql = needs(found('psql'), "psql, of PostgreSQL's client programs")
const tables = ['users', 'categories', 'tasks', 'calendars', 'webhooks', 'webhook_deliveries', 'idempotency_keys']

test('every resource has the same content and ETag in the other cell, and every row is equal', withPsql, async ({ cells }) => {
  const { one, two } = cells
  const ann = await cells.user(one)
  const bob = await cells.user(one)
  await fill(ann)
  const before = await resources(ann)
  const { items, last } = await follow(ann)
  const rows = await content(one.sql)
  await bob.createTask({ body: { title: 'of another account' } })

  const { stdout, stderr } = await move(cells, 'copy', ann.account)
  expect(stdout + stderr).toBe(
    'TARGET has every row of SOURCE: 1 users 2 categories 5 tasks 1 calendars 1 webhooks 1 webhook_deliveries 1 idempotency_keys\n',
  )
  expect(await content(two.sql)).toEqual(rows)
  const moved = client(two.url, await tokenOf(ann.id))
  expect(await resources(moved)).toEqual(before)
  await moved.listChanges({ query: { cursor: last.nextCursor } }, 410)
  expect((await follow(moved)).items).toEqual(items)

  const { body } = await moved.createTask({ body: { title: 'goes on' } })
  expect(body.revision).toBe(Number(before.list.etag.slice(1, -1)) + 1)
  expect((await move(cells, 'erase', ann.account)).stdout).toBe(
    'SOURCE has erased them: 1 users 2 categories 5 tasks 1 calendars 1 webhooks 1 webhook_deliveries 1 idempotency_keys\n',
  )
  expect((await bob.listTasks()).body.items).toHaveLength(1)
  expect(await content(one.sql)).toMatchObject({
    users: [{ id: bob.id }],
    categories: [],
    tasks: [{ owner_id: bob.id }],
    calendars: [],
    webhooks: [],
  })
  const [task] = before.tasks
  expect(await moved.getTask({ path: { taskId: task?.body.id as string } })).toMatchObject(task as object)
})

test('all accounts of a line of the map move together, without those that have a longer line', withPsql, async ({ cells }) => {
  const { one, two } = cells
  const users: User[] = []
  const inLine = () => users.filter(({ account }) => account.startsWith('3'))
  while (inLine().length < 3 || inLine().length === users.length) users.push(await cells.user(one))
  for (const user of users) await fill(user)
  const [own, inner] = inLine() as [User, User]
  const longer = [`${own.account} cell-1`, `${inner.account.slice(0, 20)} cell-2`]
  await move(cells, 'copy', '3', { longer })
  await expect(move(cells, 'erase', '3', { longer: longer.slice(1) })).rejects.toThrow('cells.map has other lines below this prefix')
  await move(cells, 'erase', '3', { longer })
  const moved = inLine().slice(2)
  const idsOf = (each: User[]) => each.map(({ id }) => id).sort()
  expect(await ownersIn(two.sql)).toEqual(idsOf(moved))
  expect(await ownersIn(one.sql)).toEqual(idsOf(users.filter(user => !moved.includes(user))))
})

test('copy can be repeated, and changes nothing if the account already has other rows', withPsql, async ({ cells }) => {
  const { two } = cells
  const ann = await cells.user(cells.one)
  await fill(ann)
  await move(cells, 'copy', ann.account)
  await rm(join(cells.directory, ann.account, 'copied'))
  await move(cells, 'copy', ann.account)
  await expect(move(cells, 'copy', ann.account)).rejects.toThrow('These accounts were copied before.')

  const other = client(two.url, await tokenOf(ann.id))
  await other.createTask({ body: { title: 'made in the other cell' } })
  const rows = await content(two.sql)
  await expect(move(cells, 'copy', ann.account, { folder: 'again' })).rejects.toThrow('TARGET has other rows')
  expect(await content(two.sql)).toEqual(rows)
  await expect(move(cells, 'erase', ann.account, { folder: 'again' })).rejects.toThrow('were not copied')
})

test('erase refuses an account that has changed since the copy', withPsql, async ({ cells }) => {
  const { one } = cells
  const ann = await cells.user(one)
  await fill(ann)
  await move(cells, 'copy', ann.account)
  await ann.createTask({ body: { title: 'in flight for too long' } })
  const rows = await content(one.sql)
  await expect(move(cells, 'erase', ann.account)).rejects.toThrow('SOURCE has changed since the copy. Nothing was erased.')
  expect(await content(one.sql)).toEqual(rows)
})

test('erase accepts that the servers of the old cell have removed old tombstones since the copy', withPsql, async ({ cells }) => {
  const { one, two } = cells
  const ann = await cells.user(one)
  await fill(ann)
  await move(cells, 'copy', ann.account)
  const rows = await content(two.sql)
  await one.sql`delete from tasks where deleted_at is not null`
  await one.sql`update users set revision = revision + 1, purged_revision = revision`
  await move(cells, 'erase', ann.account)
  expect([await ownersIn(one.sql), await content(two.sql)]).toEqual([[], rows])
})

test('erase accepts that the servers of the old cell have delivered to webhooks since the copy', withPsql, async ({ cells }) => {
  const { one, two } = cells
  const ann = await cells.user(one)
  await fill(ann)
  await move(cells, 'copy', ann.account)
  const rows = await content(two.sql)
  await one.sql`update webhook_deliveries set state = 'failed', attempts = 9`
  await one.sql`update webhooks set delivered_revision = revision, failing_since = now(), disabled_at = now(), disabled_reason = 'failing', revision = revision + 1`
  await one.sql`update users set revision = revision + 1`
  await move(cells, 'erase', ann.account)
  expect([await ownersIn(one.sql), await content(two.sql)]).toEqual([[], rows])
})

test('copy refuses an unknown account, a route to a cell, a wrong prefix, and other migrations', withPsql, async ({ cells }) => {
  const { one, two } = cells
  const ann = await cells.user(one)
  await expect(move(cells, 'copy', ann.account)).rejects.toThrow('SOURCE has no such account.')
  const MAP = `${ops}cells.map`
  await expect(cells.run({ MAP }, 'sh', `${ops}move-accounts.sh`, 'copy', '3', 'never')).rejects.toThrow('Run route.sh 3 moving first.')
  await ann.updateUser({ body: { name: 'Ann' } })
  for (const prefix of ['', 'x', "'; drop table tasks; --", ann.account.toUpperCase()])
    await expect(move(cells, 'copy', prefix, { folder: 'never' })).rejects.toThrow('The prefix must be lower case hexadecimal digits.')
  await two.sql`delete from schema_migrations where version = (select max(version) from schema_migrations)`
  await expect(move(cells, 'copy', ann.account)).rejects.toThrow('SOURCE and TARGET have different migrations.')
  expect(await ownersIn(two.sql)).toEqual([])
})

/** `longer`: lines of the map below the prefix. No output has the id of a user, also that of a failure. */
async function move({ run, directory }: Cells, verb: string, prefix: string, { folder = prefix, longer = [] as string[] } = {}) {
  const MAP = join(directory, 'cells.map')
  await writeFile(MAP, [`${prefix} ${verb === 'copy' ? 'moving' : 'cell-2'}`, ...longer, ''].join('\n'))
  const output = await run({ MAP }, 'sh', `${ops}move-accounts.sh`, verb, prefix, folder).catch(error => error)
  expect(`${output.stdout}${output.stderr}`).not.toContain('owner ')
  if (output instanceof Error) throw output
  return output as { stdout: string; stderr: string }
}

/** A profile, categories and tasks with text that COPY must escape, empty fields, and tombstones. */
async function fill(ann: Client) {
  const { body: category } = await ann.createCategory({ body: { name: 'Bob\'s \\N "garden"', color: '#00FF7f' } })
  const { body: gone } = await ann.createCategory({ body: { name: 'Compost heap' } })
  const text = 'tab\there\nline\r\n\\.\n\\N "quoted" \u{1f9ed} $1'
  const labels = ['a,b', '{"x"}', '{NULL}', 'É\\']
  const due = { dueDate: '2027-03-01', dueTime: '09:30', timeZone: 'Europe/Helsinki' } as const
  await ann.createTask({ body: { title: 'Sow', description: text, labels, categoryId: category.id, priority: 'high', ...due } })
  const { body: done } = await ann.createTask({ body: { title: '\\N', categoryId: gone.id } })
  await ann.updateTask({ path: { taskId: done.id }, body: { completed: true } })
  await ann.createTask({ body: { title: 'Straße' } })
  await ann.createCalendar({ body: { name: 'Bob\'s \\N "plans"', categoryIds: [category.id], labels } })
  const { body: webhook } = await ann.createWebhook({ body: { url: 'https://example.com/hook?a=b', kinds: ['task', 'reminder'] } })
  await ann.testWebhook({ path: { webhookId: webhook.id } })
  for (const title of ['Tombstone A', 'Tombstone B']) {
    const { body } = await ann.createTask({ body: { title } })
    await ann.deleteTask({ path: { taskId: body.id } })
    await ann.restoreFromTrash({ path: { itemId: body.id }, headers: { 'Idempotency-Key': 'same' } }, title.endsWith('A') ? 200 : 422)
    await ann.deleteTask({ path: { taskId: body.id } }, title.endsWith('A') ? 204 : 404)
  }
  await ann.deleteCategory({ path: { categoryId: gone.id } })
  await ann.updateUser({ body: { name: 'Ann \\', timeZone: 'Asia/Tokyo' } })
}

/** Body and ETag of each resource, and of lists that use generated columns. */
async function resources(ann: Client) {
  const read = <Body>({ body, etag }: { body: Body; etag: string }) => ({ body, etag })
  const list = await ann.listTasks({ query: { sort: 'createdAt' } })
  const categories = await ann.listCategories()
  const tasks = await Promise.all(list.body.items.map(({ id }) => ann.getTask({ path: { taskId: id } })))
  expect(tasks).toHaveLength(3)
  expect(categories.body.items).toHaveLength(1)
  for (const each of tasks) await ann.getTask({ path: { taskId: each.body.id }, headers: { 'If-None-Match': each.etag } }, 304)
  return {
    user: read(await ann.getUser()),
    list: read(list),
    categories: read(categories),
    category: read(await ann.getCategory({ path: { categoryId: categories.body.items[0]?.id as string } })),
    tasks: tasks.map(read),
    search: read(await ann.listTasks({ query: { q: 'strasse' } })),
    labelled: read(await ann.listTasks({ query: { label: ['é\\'] } })),
  }
}

/** Every column of every row, also the generated ones. */
async function content(sql: postgres.Sql): Promise<Record<string, object[]>> {
  const each = tables.map(async table => [table, [...(await sql`select * from ${sql(table)} order by 1, 2`)]])
  return Object.fromEntries(await Promise.all(each))
}

async function ownersIn(sql: postgres.Sql): Promise<string[]> {
  const owners = await Promise.all(
    tables.map(table => sql`select distinct ${sql(table === 'users' ? 'id' : 'owner_id')} as id from ${sql(table)}`),
  )
  const [ids, ...others] = owners.map(rows => rows.map(({ id }) => id as string).sort())
  for (const other of others) expect(other).toEqual(ids)
  return ids as string[]
}
