// Tasks below tasks: their places, what a change of one means for others, and races.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { json } from '../faults/crowd.ts'
import type { Client } from '../support/client.ts'
import { test } from '../support/taskspec.ts'

const maxDepth = 7

/** Creates a chain of tasks, each below the one before, and returns their ids. */
async function chain(user: Client, length: number): Promise<string[]> {
  const ids: string[] = []
  for (let depth = 0; depth < length; depth++) {
    const { body } = await user.createTask({ body: { title: `${depth}`, parentId: ids.at(-1) ?? null } }, 201)
    expect(body.depth).toBe(depth)
    ids.push(body.id)
  }
  return ids
}

const tree = async (user: Client, taskId: string) => (await user.getTaskTree({ path: { taskId } }, 200)).body.items
const titles = async (user: Client, taskId: string) => (await tree(user, taskId)).map(({ title }) => title)
/** The status of a change that may lose a race. */
const tried = async (user: Client, method: string, id: string, body?: object) =>
  (await user.send(method, `/v1/users/me/tasks${id && `/${id}`}`, body && json(body))).status
const code = ({ body }: { body: { errors: { code: string; pointer: string }[] } }) => body.errors.map(each => [each.pointer, each.code])

describe('a subtask', () => {
  test('is in the category of its parent', async ({ as }) => {
    const ann = await as('ann')
    const [home, work] = await Promise.all(['Home', 'Work'].map(async name => (await ann.createCategory({ body: { name } })).body.id))
    const { body: parent } = await ann.createTask({ body: { title: 'a', categoryId: home as string } })
    const { body: task } = await ann.createTask({ body: { title: 'b', parentId: parent.id } })
    expect(task).toMatchObject({ parentId: parent.id, depth: 1, categoryId: home })

    const path = { taskId: task.id }
    const elsewhere = { title: 'b', parentId: parent.id, categoryId: work as string }
    expect(code(await ann.createTask({ body: elsewhere }, 409))).toEqual([['/categoryId', 'parentCategory']])
    expect(code(await ann.putTask({ path, body: elsewhere }, 409))).toEqual([['/categoryId', 'parentCategory']])
    expect(code(await ann.updateTask({ path, body: { categoryId: work as string } }, 409))).toEqual([['/categoryId', 'parentCategory']])

    const { body: moved } = await ann.updateTask({ path: { taskId: parent.id }, body: { categoryId: work as string } })
    const [, below] = await tree(ann, parent.id)
    expect(below).toMatchObject({ categoryId: work, revision: moved.revision })
    await ann.deleteCategory({ path: { categoryId: work as string } })
    expect((await tree(ann, parent.id)).map(({ categoryId }) => categoryId)).toEqual([null, null])
  })

  test('can be created by PUT, and is taken out by a PUT without parent', async ({ as }) => {
    const ann = await as('ann')
    const [root] = await chain(ann, 1)
    const path = { taskId: randomUUID() }
    const { body: task } = await ann.putTask({ path, body: { title: 'b', parentId: root as string } }, 201)
    expect(task).toMatchObject({ parentId: root, depth: 1 })
    expect((await ann.putTask({ path, body: { title: 'b', parentId: root as string } }, 200)).body.depth).toBe(1)
    expect((await ann.putTask({ path, body: { title: 'b' } }, 200)).body).toMatchObject({ parentId: null, depth: 0 })
    await ann.deleteTask({ path })
    expect((await ann.putTask({ path, body: { title: 'Repeated title', parentId: root as string } }, 201)).body.depth).toBe(1)
  })

  test('needs a parent that is there and the own', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const [[foreign], [own, deleted]] = [await chain(bob, 1), await chain(ann, 2)]
    await ann.deleteTask({ path: { taskId: deleted as string } })
    for (const parentId of [foreign, deleted, randomUUID()] as string[]) {
      expect(code(await ann.createTask({ body: { title: 'a', parentId } }, 422))).toEqual([['/parentId', 'notFound']])
      expect(code(await ann.putTask({ path: { taskId: randomUUID() }, body: { title: 'a', parentId } }, 422))).toHaveLength(1)
      expect(code(await ann.updateTask({ path: { taskId: own as string }, body: { parentId } }, 422))).toEqual([['/parentId', 'notFound']])
    }
  })

  test('is at most at the eighth level, with everything below it', async ({ as }) => {
    const ann = await as('ann')
    const ids = await chain(ann, maxDepth + 1)
    const last = ids.at(-1) as string
    expect(code(await ann.createTask({ body: { title: 'x', parentId: last } }, 409))).toEqual([['/parentId', 'tooDeep']])
    const [root, child] = (await chain(ann, 2)) as [string, string]
    const path = { taskId: root }
    expect(code(await ann.updateTask({ path, body: { parentId: ids[maxDepth - 1] as string } }, 409))).toEqual([['/parentId', 'tooDeep']])
    await ann.updateTask({ path, body: { parentId: ids[maxDepth - 2] as string } }, 200)
    expect((await ann.getTask({ path: { taskId: child } })).body.depth).toBe(maxDepth)
  })

  test('is never above itself', async ({ as }) => {
    const ann = await as('ann')
    const ids = await chain(ann, 3)
    for (const parentId of ids)
      expect(code(await ann.updateTask({ path: { taskId: ids[0] as string }, body: { parentId } }, 409))).toEqual([['/parentId', 'cycle']])
  })
})

describe('one change with one revision', () => {
  test('moves a task with everything below it', async ({ as }) => {
    const ann = await as('ann')
    const [[a, b, c], [x]] = (await Promise.all([chain(ann, 3), chain(ann, 1)])) as [string[], string[]]
    const { body: moved } = await ann.updateTask({ path: { taskId: b as string }, body: { parentId: x as string, title: 'moved' } })
    expect(await tree(ann, x as string)).toMatchObject([
      { id: x, depth: 0 },
      { id: b, depth: 1, title: 'moved' },
      { id: c, depth: 2, revision: b && c ? expect.any(Number) : 0 },
    ])
    expect(await tree(ann, a as string)).toHaveLength(1)
    const { body: out } = await ann.updateTask({ path: { taskId: b as string }, body: { parentId: null } })
    expect(out.revision).toBe(moved.revision + 1)
    expect((await tree(ann, b as string)).map(({ depth, revision }) => [depth, revision])).toEqual([
      [0, out.revision],
      [1, out.revision],
    ])
  })

  test('completes what is open below, and reopens only the task', async ({ as }) => {
    const ann = await as('ann')
    const ids = await chain(ann, 4)
    const path = { taskId: ids[0] as string }
    const { body: done } = await ann.updateTask({ path: { taskId: ids[2] as string }, body: { completed: true } })
    const { body: root } = await ann.updateTask({ path, body: { completed: true } })
    const all = await tree(ann, ids[0] as string)
    expect(all.map(({ completed }) => completed)).toEqual([true, true, true, true])
    expect(all.map(({ revision }) => revision)).toEqual([root.revision, root.revision, done.revision, done.revision])
    await ann.updateTask({ path, body: { completed: false } })
    expect((await tree(ann, ids[0] as string)).map(({ completed }) => completed)).toEqual([false, true, true, true])
  })

  test('deletes everything below', async ({ as, service }) => {
    const ann = await as('ann')
    const ids = await chain(ann, 3)
    await ann.deleteTask({ path: { taskId: ids[1] as string } }, 204)
    expect(await titles(ann, ids[0] as string)).toEqual(['0'])
    await ann.getTask({ path: { taskId: ids[2] as string } }, 404)
    const tombstones =
      await service.sql`select distinct revision, deleted_at from tasks where owner_id = ${ann.id} and deleted_at is not null`
    expect(tombstones).toHaveLength(1)
  })

  test('honours the conditions of the task itself', async ({ as }) => {
    const ann = await as('ann')
    const ids = await chain(ann, 2)
    const path = { taskId: ids[0] as string }
    const { etag } = await ann.getTask({ path })
    await ann.updateTask({ path: { taskId: ids[1] as string }, body: { title: 'changed' } })
    await ann.updateTask({ path, body: { completed: true }, headers: { 'If-Match': '"1"' } }, 412)
    await ann.deleteTask({ path, headers: { 'If-Match': '"1"' } }, 412)
    await ann.putTask({ path, body: { title: 'b', parentId: randomUUID() }, headers: { 'If-None-Match': '*' } }, 412)
    await ann.updateTask({ path, body: { completed: true }, headers: { 'If-Match': etag } }, 200)
  })
})

test('getTaskTree returns each task after its parent, and honours the ETag of the account', async ({ as }) => {
  const [ann, bob] = [await as('ann'), await as('bob')]
  const [root, child] = (await chain(ann, 2)) as [string, string]
  await ann.createTask({ body: { title: 'second', parentId: root } })
  await ann.createTask({ body: { title: 'below', parentId: child } })
  const { etag, body } = await ann.getTaskTree({ path: { taskId: root } })
  expect(body.items.map(({ title }) => title)).toEqual(['0', '1', 'second', 'below'])
  expect(body.hasMore).toBe(false)
  await ann.getTaskTree({ path: { taskId: root }, headers: { 'If-None-Match': etag } }, 304)
  await ann.getTaskTree({ path: { taskId: root }, headers: { 'If-Match': '"1"' } }, 412)
  await ann.getTaskTree({ path: { taskId: randomUUID() }, headers: { 'If-None-Match': etag } }, 404)
  await bob.getTaskTree({ path: { taskId: root } }, 404)
})

test('getTaskTree returns the upper thousand of more tasks', async ({ as, service: { sql } }) => {
  const ann = await as('ann')
  const [root] = (await chain(ann, 1)) as [string]
  await sql`
    insert into tasks (owner_id, id, title, priority, labels, revision, parent_id, depth)
    select ${ann.id}, gen_random_uuid(), 'x', 'none', '{}', 1, ${root}, 1 from generate_series(1, 1000)`
  const { body } = await ann.getTaskTree({ path: { taskId: root } })
  expect([body.items.length, body.hasMore]).toEqual([1000, true])
})

test('listTasks filters by the parent', async ({ as }) => {
  const ann = await as('ann')
  const [root, child] = (await chain(ann, 3)) as [string, string]
  const listed = async (parentId: string) => (await ann.listTasks({ query: { parentId } })).body.items.map(({ title }) => title)
  expect(await listed('none')).toEqual(['0'])
  expect(await listed(root)).toEqual(['1'])
  expect(await listed(child)).toEqual(['2'])
  await ann.listTasks({ query: { parentId: 'all' } }, 422)
})

describe('races', () => {
  test('two moves that would make a cycle: one is refused', async ({ as }) => {
    const ann = await as('ann')
    for (let round = 0; round < 5; round++) {
      const [[a], [b]] = (await Promise.all([chain(ann, 1), chain(ann, 1)])) as [[string], [string]]
      const move = (taskId: string, parentId: string) => tried(ann, 'PATCH', taskId, { parentId })
      expect((await Promise.all([move(a, b), move(b, a)])).sort()).toEqual([200, 409])
    }
  })

  test('eight writers of one tree leave a tree', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const ids = [...(await chain(ann, 4)), ...(await chain(ann, 4))]
    const at = (number: number) => ids[number % ids.length] as string
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let round = 0; round < 8; round++) {
        const [taskId, parentId] = [at(writer * 3 + round), at(writer * 5 + round * 3 + 1)]
        const kind = (writer + round) % 4
        if (kind === 0) expect([200, 404, 409, 422]).toContain(await tried(ann, 'PATCH', taskId, { parentId }))
        if (kind === 1) expect([200, 404]).toContain(await tried(ann, 'PATCH', taskId, { completed: round % 2 === 0 }))
        if (kind === 2) expect([201, 409, 422]).toContain(await tried(ann, 'POST', '', { title: 'new', parentId }))
        if (kind === 3 && round > 5) expect([204, 404]).toContain(await tried(ann, 'DELETE', taskId))
      }
    })
    await Promise.all(writers)
    const wrong = await sql`
      select t.id from tasks t left join tasks p on p.owner_id = t.owner_id and p.id = t.parent_id
      where t.owner_id = ${ann.id} and t.deleted_at is null and t.parent_id is not null
        and (p.id is null or p.deleted_at is not null or t.depth <> p.depth + 1 or t.category_id is distinct from p.category_id)`
    expect(wrong).toEqual([])
  })

  test('a task that is deleted while it gets a subtask takes it along, or the subtask is refused', async ({ as }) => {
    const ann = await as('ann')
    for (let round = 0; round < 5; round++) {
      const [root] = (await chain(ann, 1)) as [string]
      const [created] = await Promise.all([
        ann.send('POST', '/v1/users/me/tasks', json({ title: 'b', parentId: root })),
        ann.deleteTask({ path: { taskId: root } }, 204),
      ])
      expect([201, 422]).toContain(created.status)
      if (created.status === 201) await ann.getTask({ path: { taskId: (created.body as { id: string }).id } }, 404)
    }
  })
})
