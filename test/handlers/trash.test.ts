// The trash: what is in it, bringing it back, and removing it for good.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { document } from '../../src/contract/document.ts'
import { sql as part, statement } from '../../src/database/sql.ts'
import { trashDays } from '../../src/domain/tombstones.ts'
import { page } from '../../src/domain/trash-items.ts'
import { json } from '../faults/crowd.ts'
import { expectTrees } from '../support/account-rules.ts'
import { cases } from '../support/checks.ts'
import type { Client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { lockWaits } from '../support/lock.ts'
import { type Service, test } from '../support/taskspec.ts'

type Ann = Client & { id: string }

/** Creates a chain of tasks, each below the one before, and returns their ids. */
async function chain(user: Client, length: number, parentId: string | null = null): Promise<[string, ...string[]]> {
  const ids: string[] = []
  for (let depth = 0; depth < length; depth++)
    ids.push((await user.createTask({ body: { title: `${depth}`, parentId: ids.at(-1) ?? parentId } }, 201)).body.id)
  return ids as [string, ...string[]]
}

const remove = (user: Client, taskId: string) => user.deleteTask({ path: { taskId } }, 204)
const read = async (user: Client, taskId: string) => (await user.getTask({ path: { taskId } }, 200)).body
const listed = async (user: Client) => (await user.listTrash()).body.items
const ids = async (user: Client) => (await listed(user)).map(({ id }) => id)
const restore = (user: Client, itemId: string) => user.restoreFromTrash({ path: { itemId } }, 200)
const operations = ['restoreFromTrash', 'purgeFromTrash'] as const
const send = (user: Client, operation: (typeof operations)[number], itemId: string, status: 200 | 204 | 404 | 412 | 422, headers = {}) => {
  const input = { path: { itemId }, headers }
  return operation === 'restoreFromTrash' ? user.restoreFromTrash(input, status as 200) : user.purgeFromTrash(input, status as 204)
}
const success = { restoreFromTrash: 200, purgeFromTrash: 204 } as const
const purge = (user: Client, itemId: string) => user.purgeFromTrash({ path: { itemId } }, 204)

const account = async ({ sql }: Service, owner: string) =>
  (
    await sql<{ revision: number; floor: number; rows: number }[]>`
      select u.revision::float, u.purged_revision::float as floor,
        (select count(*)::int from tasks t where t.owner_id = u.id) + (select count(*)::int from categories c where c.owner_id = u.id) as rows
      from users u where u.id = ${owner}`
  )[0]

test('the days are those that the spec states', () => {
  const stated = [...JSON.stringify(document).matchAll(/(?:in the trash for|deleted in the last) (\d+) days/g)].map(([, days]) =>
    Number(days),
  )
  expect(stated).toEqual(Array(4).fill(trashDays))
})

describe('listTrash', () => {
  test('shows tasks and categories, the last deleted first, and what was deleted together as one item', async ({ as }) => {
    const ann = await as('ann')
    const { body: category } = await ann.createCategory({ body: { name: 'Garage' } })
    const [root, child] = await chain(ann, 4)
    const [other] = await chain(ann, 1)
    await remove(ann, child as string)
    await ann.deleteCategory({ path: { categoryId: category.id } })
    await remove(ann, root)
    await remove(ann, other)
    const items = await listed(ann)
    expect(items.map(({ kind, id, title, count }) => [kind, id, title, count])).toEqual([
      ['task', other, '0', 0],
      ['task', root, '0', 0],
      ['category', category.id, 'Garage', 0],
      ['task', child, '1', 2],
    ])
    for (const { deletedAt, expiresAt } of items) expect(Date.parse(expiresAt) - Date.parse(deletedAt)).toBe(trashDays * 86_400_000)
  })

  test('is read page by page, while others are deleted', async ({ as }) => {
    const ann = await as('ann')
    const made: string[] = []
    for (let number = 0; number < 3; number++) {
      made.unshift((await chain(ann, 2))[0])
      made.unshift((await ann.createCategory({ body: { name: `${number}` } })).body.id)
    }
    for (const [index, id] of made.toReversed().entries())
      await (index % 2 === 0 ? remove(ann, id) : ann.deleteCategory({ path: { categoryId: id } }))
    const seen: string[] = []
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const { body } = await ann.listTrash({ query: { limit: 2, ...(cursor && { cursor }) } }, 200)
      seen.push(...body.items.map(({ id }) => id))
      cursor = body.nextCursor
      await remove(ann, (await chain(ann, 1))[0])
    }
    expect(seen).toEqual(made)
    for (const key of ['x', null, 5, '2027-02-30T00:00:00Z']) {
      const forged = Buffer.from(JSON.stringify(['deletedAt', key, randomUUID()])).toString('base64url')
      if (key === null) expect((await ann.listTrash({ query: { cursor: forged } }, 200)).body.items).toEqual([])
      else await ann.listTrash({ query: { cursor: forged } }, 422)
    }
    await ann.listTrash({ query: { cursor: (await ann.listTasks({ query: { limit: 1 } })).body.nextCursor ?? 'abc' } }, 422)
  })

  test('has the ETag of the account', async ({ as }) => {
    const ann = await as('ann')
    expect(await listed(ann)).toEqual([])
    const [task] = await chain(ann, 1)
    await remove(ann, task)
    const { etag } = await ann.listTrash()
    expect(etag).toBe((await ann.listTasks()).etag)
    await ann.listTrash({ headers: { 'If-None-Match': etag } }, 304)
    await ann.listTrash({ headers: { 'If-Match': '"1"' } }, 412)
    await purge(ann, task)
    expect((await ann.listTrash({ headers: { 'If-None-Match': etag } }, 200)).body.items).toEqual([])
  })

  test('reads a page from indexes, however much is in the trash', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const [task] = await chain(ann, 1)
    await sql`
      insert into tasks (owner_id, id, title, priority, labels, revision, deleted_at)
      select ${ann.id}, gen_random_uuid(), 'x', 'none', '{}', 1, now() - (n / 100) * interval '1 second' from generate_series(1, 20000) as n`
    await sql`analyze tasks`
    const cursor = Buffer.from(JSON.stringify(['deletedAt', new Date().toISOString(), task])).toString('base64url')
    for (const from of [undefined, cursor]) {
      const { text, values } = statement('', page(part`${ann.id}`, 3, from))
      const rows = await sql.unsafe(`explain (costs off) ${text}`, values as never)
      const plan = rows.map(row => row['QUERY PLAN']).join('\n')
      expect(plan).toMatch(/Index Scan Backward using tasks_trash_idx on tasks item\n\s+Index Cond: \(\(?owner_id = /)
      // By the primary key or by the index of the trash: both have its id. Many tasks have one instant, so that no other index is as good.
      expect(plan).toMatch(/Index (Only )?Scan using \w+ on tasks parent\n\s+Index Cond: \(\(owner_id = .*\(id = item\.parent_id\)/)
      expect(plan).toMatch(/using tasks_trash_parent_idx on tasks/)
      expect(plan).not.toMatch(/Seq Scan on tasks/)
    }
  })
})

describe('restoreFromTrash', () => {
  test('brings back a task with exactly what was deleted with it, as one change', async ({ as, service }) => {
    const ann = await as('ann')
    const [root, child, grandchild] = (await chain(ann, 3)) as [string, string, string]
    const [before, below] = (await chain(ann, 2, child)) as [string, string]
    const task = await read(ann, child)
    await remove(ann, before)
    await remove(ann, child)
    await remove(ann, root)
    const { etag: list } = await ann.listTrash()

    const { body, etag } = await ann.restoreFromTrash({ path: { itemId: child }, headers: { 'If-Match': list } }, 200)
    expect(body).toEqual({ ...task, parentId: null, depth: 0, revision: Number(list.slice(1, -1)) + 1, updatedAt: body.updatedAt })
    expect(etag).toBe(`"${body.revision}"`)
    expect(await read(ann, child)).toEqual(body)
    expect(await read(ann, grandchild)).toMatchObject({ parentId: child, depth: 1, revision: body.revision })
    for (const taskId of [root, before, below]) await ann.getTask({ path: { taskId } }, 404)
    expect(await ids(ann)).toEqual([root, before])

    expect((await restore(ann, before)).body).toMatchObject({ parentId: child, depth: 1 })
    expect(await read(ann, below)).toMatchObject({ parentId: before, depth: 2 })
    expect((await restore(ann, root)).body).toMatchObject({ parentId: null, depth: 0 })
    expect(await ids(ann)).toEqual([])
    await expectTrees(service, ann.id)
  })

  test('brings a task back below its parent, and into the category of the parent', async ({ as, service }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    const [root, child, grandchild] = (await chain(ann, 3)) as [string, string, string]
    await remove(ann, child)
    const [above] = await chain(ann, 1)
    await ann.updateTask({ path: { taskId: root }, body: { parentId: above } })
    await ann.updateTask({ path: { taskId: above }, body: { categoryId: home.id } })
    expect((await restore(ann, child)).body).toMatchObject({ parentId: root, depth: 2, categoryId: home.id })
    expect(await read(ann, grandchild)).toMatchObject({ depth: 3, categoryId: home.id })
    await expectTrees(service, ann.id)
  })

  test('brings a task back without its parent if the parent is gone, deleted, or too deep', async ({ as, service }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    const [root, child] = (await chain(ann, 3)) as [string, string]
    await ann.updateTask({ path: { taskId: root }, body: { categoryId: home.id } })
    await remove(ann, child)
    await remove(ann, root)
    await purge(ann, root)
    expect((await restore(ann, child)).body).toMatchObject({ parentId: null, depth: 0, categoryId: home.id })

    const [top, low] = (await chain(ann, 2)) as [string, string]
    await chain(ann, 4, low)
    for (const [above, place] of [
      [2, { parentId: top, depth: 3 }],
      [3, { parentId: null, depth: 0 }],
    ] as const) {
      await remove(ann, low)
      await ann.updateTask({ path: { taskId: top }, body: { parentId: (await chain(ann, above)).at(-1) as string } })
      expect((await restore(ann, low)).body).toMatchObject(place)
    }
    await expectTrees(service, ann.id)
  })

  test('brings a task back without a category that was deleted, before or after the task', async ({ as }) => {
    const ann = await as('ann')
    const create = async (name: string) => (await ann.createCategory({ body: { name } })).body.id
    const categoryId = await create('Home')
    const { body: task } = await ann.createTask({ body: { title: 'a', categoryId } })
    await remove(ann, task.id)
    await ann.deleteCategory({ path: { categoryId } })
    expect(await ids(ann)).toEqual([categoryId, task.id])
    expect((await restore(ann, task.id)).body).toMatchObject({ categoryId: null })
    await restore(ann, categoryId)
    expect(await read(ann, task.id)).toMatchObject({ categoryId: null })
  })

  test('brings a category back, unless its name is taken meanwhile', async ({ as }) => {
    const ann = await as('ann')
    const { body: category } = await ann.createCategory({ body: { name: 'Straße', color: '#1971c2', position: 3 } })
    const path = { categoryId: category.id }
    await ann.deleteCategory({ path })
    const { body: other } = await ann.createCategory({ body: { name: 'STRASSE' } })
    const { body: problem } = await ann.restoreFromTrash({ path: { itemId: category.id } }, 409)
    expect(problem.errors).toMatchObject([{ pointer: '/itemId', location: 'path', code: 'taken' }])
    expect(await ids(ann)).toEqual([category.id])
    await ann.updateCategory({ path: { categoryId: other.id }, body: { name: 'Road' } })
    const { body } = await restore(ann, category.id)
    expect(body).toEqual({ ...category, revision: body.revision, updatedAt: body.updatedAt })
    expect((await ann.getCategory({ path })).body).toEqual(body)
    expect(await ids(ann)).toEqual([])
  })

  test('restores the task first if a category has its id', async ({ as }) => {
    const ann = await as('ann')
    const id = randomUUID()
    await ann.putTask({ path: { taskId: id }, body: { title: 'a' } })
    await ann.putCategory({ path: { categoryId: id }, body: { name: 'b' } })
    await remove(ann, id)
    await ann.deleteCategory({ path: { categoryId: id } })
    expect((await restore(ann, id)).body).toHaveProperty('title', 'a')
    expect((await restore(ann, id)).body).toHaveProperty('name', 'b')
    await ann.restoreFromTrash({ path: { itemId: id } }, 404)
  })

  test('leaves a task that was created again under the same id', async ({ as, service }) => {
    const ann = await as('ann')
    const [root, child, grandchild] = (await chain(ann, 3)) as [string, string, string]
    await remove(ann, root)
    await ann.putTask({ path: { taskId: child }, body: { title: 'Second life' } }, 201)
    expect(await listed(ann)).toMatchObject([{ id: expect.any(String), count: 0 }, { count: 0 }])
    await restore(ann, root)
    expect(await read(ann, child)).toMatchObject({ title: 'Second life', parentId: null })
    expect((await restore(ann, grandchild)).body).toMatchObject({ parentId: child, depth: 1 })
    await expectTrees(service, ann.id)
  })
})

describe('purgeFromTrash', () => {
  test('removes a task with what was deleted with it, and raises the floor', async ({ as, service }) => {
    const ann = await as('ann')
    const [root, child] = (await chain(ann, 4)) as [string, string]
    await remove(ann, child)
    const deleted = await account(service, ann.id)
    await remove(ann, root)
    await purge(ann, child)
    expect(await account(service, ann.id)).toEqual({ revision: (deleted?.revision ?? 0) + 2, floor: deleted?.revision, rows: 1 })
    expect(await ids(ann)).toEqual([root])
    await ann.restoreFromTrash({ path: { itemId: child } }, 404)
  })

  test('removes a category', async ({ as, service }) => {
    const ann = await as('ann')
    const { body } = await ann.createCategory({ body: { name: 'x' } })
    await ann.deleteCategory({ path: { categoryId: body.id } })
    await purge(ann, body.id)
    expect(await account(service, ann.id)).toMatchObject({ floor: body.revision + 1, rows: 0 })
  })

  test('removes more tasks than one statement does', async ({ as, service }) => {
    const ann = await as('ann')
    const [root] = await chain(ann, 1)
    await fillBelow(service, ann, root, 2_500)
    await remove(ann, root)
    expect(await listed(ann)).toMatchObject([{ id: root, count: 2_500 }])
    await purge(ann, root)
    expect((await account(service, ann.id))?.rows).toBe(0)
  })
})

describe('emptyTrash', () => {
  test('removes everything that was deleted and nothing else', async ({ as, service }) => {
    const ann = await as('ann')
    const [root, child] = (await chain(ann, 2)) as [string, string]
    await fillBelow(service, ann, child, 2_100)
    const { body: category } = await ann.createCategory({ body: { name: 'x' } })
    await ann.deleteCategory({ path: { categoryId: category.id } })
    await remove(ann, child)
    const { etag } = await ann.listTrash()
    await ann.emptyTrash({ headers: { 'If-Match': '"1"' } }, 412)
    await ann.emptyTrash({ headers: { 'If-None-Match': etag } }, 412)
    await ann.emptyTrash({ headers: { 'If-Match': etag } }, 204)
    expect(await account(service, ann.id)).toMatchObject({ floor: Number(etag.slice(1, -1)), rows: 1 })
    expect(await ids(ann)).toEqual([])
    await read(ann, root)
    const { etag: empty } = await ann.listTrash()
    await ann.emptyTrash({}, 204)
    expect((await ann.listTrash()).etag).toBe(empty)
  })

  test('is possible before the first contact', async ({ as }) => {
    const ann = await as('ann')
    await ann.emptyTrash({}, 204)
    await ann.emptyTrash({ headers: { 'If-Match': '"1"' } }, 412)
  })
})

describe('an id', () => {
  test.for(cases(operations))('that is not in the trash is 404 for %s', async (operation, { as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const [live] = await chain(ann, 1)
    const [root, below] = (await chain(ann, 2)) as [string, string]
    const [foreign] = await chain(bob, 1)
    const { body: category } = await ann.createCategory({ body: { name: 'x' } })
    await remove(ann, root)
    await remove(bob, foreign)
    for (const itemId of [live, below, foreign, category.id, randomUUID()]) await send(ann, operation, itemId, 404)
    await send(ann, operation, 'x', 422)
    expect([await ids(ann), await ids(bob)]).toEqual([[root], [foreign]])
  })

  test.for(cases(operations))('is left by %s if a condition fails', async (operation, { as }) => {
    const ann = await as('ann')
    const [task] = await chain(ann, 1)
    await remove(ann, task)
    const { etag } = await ann.listTrash()
    const failing: Record<string, string>[] = [{ 'If-Match': '"1"' }, { 'If-None-Match': etag }, { 'If-None-Match': '*' }]
    for (const headers of failing) expect((await send(ann, operation, task, 412, headers)).etag).toBe(etag)
    expect(await ids(ann)).toEqual([task])
    await send(ann, operation, task, success[operation], { 'If-Match': etag })
    await send(ann, operation, task, 404, { 'If-Match': etag })
  })
})

describe('races', () => {
  test('eight writers of one tree and its trash leave a tree', async ({ as, service }) => {
    const ann = await as('ann')
    const all = [...(await chain(ann, 4)), ...(await chain(ann, 4))]
    const at = (number: number) => all[number % all.length] as string
    const tried = async (method: string, path: string, body?: object) =>
      (await ann.send(method, `/v1/users/me/${path}`, body && json(body))).status
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let round = 0; round < 10; round++) {
        const id = at(writer * 3 + round)
        const parentId = at(writer * 5 + round * 3 + 1)
        const kind = (writer + round) % 5
        if (kind === 0) expect([204, 404]).toContain(await tried('DELETE', `tasks/${id}`))
        if (kind === 1) expect([200, 404]).toContain(await tried('POST', `trash/${id}/restore`))
        if (kind === 2) expect([200, 404, 409, 422]).toContain(await tried('PATCH', `tasks/${id}`, { parentId }))
        if (kind === 3 && writer % 2 === 0) expect([204, 404]).toContain(await tried('DELETE', `trash/${id}`))
        if (kind === 3 && writer % 2 === 1)
          expect([200, 201, 409, 422]).toContain(await tried('PUT', `tasks/${id}`, { title: 'Second life', parentId }))
        if (kind === 4) expect([204]).toContain(await tried('DELETE', 'trash'))
      }
    })
    await Promise.all(writers)
    await expectTrees(service, ann.id)
    const tombstones = await service.sql`select id from tasks where owner_id = ${ann.id} and deleted_at is not null`
    const items = await listed(ann)
    expect(items.length + items.reduce((sum, { count }) => sum + count, 0)).toBe(tombstones.length)
  })

  test('a task whose parent is deleted while the restore waits comes back without it', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const [root, child] = (await chain(ann, 2)) as [string, string]
    await remove(ann, child)
    const waiting = () => lockWaits(sql)
    const reply = await sql.begin(async change => {
      await change`update users set revision = revision + 1 where id = ${ann.id}`
      const sent = restore(ann, child)
      await eventually(async () => expect(await waiting()).toHaveLength(1))
      await change`update tasks set deleted_at = now(), revision = revision + 1 where owner_id = ${ann.id} and id = ${root}`
      return { sent }
    })
    expect((await reply.sent).body).toMatchObject({ parentId: null, depth: 0 })
  })

  test('of two restores of one task, and of a restore and a purge, one succeeds', async ({ as, service }) => {
    const ann = await as('ann')
    for (let round = 0; round < 5; round++) {
      const [root, child] = (await chain(ann, 2)) as [string, string]
      const send = async (method: string, end = '') => (await ann.send(method, `/v1/users/me/trash/${root}${end}`)).status
      await remove(ann, root)
      expect((await Promise.all([send('POST', '/restore'), send('POST', '/restore')])).sort()).toEqual([200, 404])
      await remove(ann, root)
      const [restored, purged] = await Promise.all([send('POST', '/restore'), send('DELETE')])
      expect([
        [200, 404],
        [404, 204],
      ]).toContainEqual([restored, purged])
      for (const taskId of [root, child]) await ann.getTask({ path: { taskId } }, restored === 200 ? 200 : 404)
    }
    await expectTrees(service, ann.id)
  })
})

/** Makes subtasks of a task by SQL. */
async function fillBelow({ sql }: Service, { id }: Ann, parentId: string, count: number) {
  await sql`
    insert into tasks (owner_id, id, title, priority, labels, revision, parent_id, depth)
    select ${id}, gen_random_uuid(), 'x', 'none', '{}', 1, ${parentId}, (select depth + 1 from tasks where owner_id = ${id} and id = ${parentId})
    from generate_series(1, ${count}::int)`
}
