// The order that users make by hand: keys, the sort by them, and moves.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { isSortKey } from '../../src/contract/sort-key.ts'
import { json } from '../faults/crowd.ts'
import type { Client, Input } from '../support/client.ts'
import { test } from '../support/taskspec.ts'

type Sort = NonNullable<NonNullable<Input<'listTasks'>['query']>['sort']>

const unknownId = '019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01'
const code = ({ body }: { body: { errors: { code: string; pointer: string }[] } }) => body.errors.map(each => [each.pointer, each.code])
/** An id that sorts by its number. */
const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

/** Creates a task for each letter, and returns their ids. */
async function createTasks(user: Client, letters: string): Promise<Record<string, string>> {
  const ids: Record<string, string> = {}
  for (const title of letters) ids[title] = (await user.createTask({ body: { title } }, 201)).body.id
  return ids
}

/** All tasks page by page. */
async function walk(user: Client, sort: Sort = 'sortKey', limit = 100) {
  const items = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { body } = await user.listTasks({ query: { sort, limit, ...(cursor && { cursor }) } })
    items.push(...body.items)
    cursor = body.nextCursor
  }
  return items
}

const order = async (user: Client, sort?: Sort, limit?: number) => (await walk(user, sort, limit)).map(({ title }) => title).join('')
const keyOf = async (user: Client, taskId: string) => (await user.getTask({ path: { taskId } }, 200)).body.sortKey

describe('sortKey of a task', () => {
  test('is the server’s until one is sent, and again after null', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    expect(task.sortKey).toMatch(/^m[0-9a-f]{13}$/)
    expect(isSortKey(task.sortKey)).toBe(true)
    const path = { taskId: task.id }
    expect((await ann.updateTask({ path, body: { sortKey: 'a0' } })).body.sortKey).toBe('a0')
    expect((await ann.updateTask({ path, body: { title: 'b' } })).body.sortKey).toBe('a0')
    expect((await ann.updateTask({ path, body: { sortKey: null } })).body.sortKey).toBe(task.sortKey)
    expect((await ann.putTask({ path, body: { title: 'a', sortKey: 'a1' } }, 200)).body.sortKey).toBe('a1')
    expect((await ann.putTask({ path, body: { title: 'a' } }, 200)).body.sortKey).toBe(task.sortKey)
    expect((await ann.createTask({ body: { title: 'a', sortKey: 'Zz8' } })).body.sortKey).toBe('Zz8')
    expect((await ann.putTask({ path: { taskId: randomUUID() }, body: { title: 'a', sortKey: 'z'.repeat(200) } }, 201)).body.sortKey).toBe(
      'z'.repeat(200),
    )
  })

  test('comes back from the trash', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a', sortKey: 'a0' } })
    await ann.deleteTask({ path: { taskId: task.id } })
    expect((await ann.restoreFromTrash({ path: { itemId: task.id } })).body).toMatchObject({ sortKey: 'a0' })
    await ann.deleteTask({ path: { taskId: task.id } })
    const { body: again } = await ann.putTask({ path: { taskId: task.id }, body: { title: 'a' } }, 201)
    expect(again.sortKey).toMatch(/^m/)
  })

  test.for([
    ['without its digits', 'c0', 'format'],
    ['whose fraction ends in 0', 'a00', 'format'],
    ['that is the lowest number', `A${'0'.repeat(26)}`, 'format'],
    ['with another character', 'a-', 'pattern'],
    ['with a line break', 'a0\n', 'pattern'],
    ['that begins with a digit', '00', 'pattern'],
    ['that is empty', '', 'pattern'],
    ['that is too long', `a0${'V'.repeat(199)}`, 'maxLength'],
    ['that is a number', 5, 'type'],
  ] as const)('refuses a key %s', async ([, sortKey, expected], { as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    const path = { taskId: task.id }
    const body = { title: 'a', sortKey: sortKey as string }
    for (const refused of [
      await ann.createTask({ body }, 422),
      await ann.putTask({ path, body }, 422),
      await ann.updateTask({ path, body, headers: { 'If-Match': '"1"' } }, 422),
    ])
      expect(code(refused)).toEqual([['/sortKey', expected]])
    await ann.createCategory({ body: { name: 'a', sortKey: sortKey as string } }, 422)
    expect(await keyOf(ann, task.id)).toBe(task.sortKey)
  })
})

describe('sort=sortKey', () => {
  test('has new tasks last, and equal keys by id, with cursors of any size', async ({ as }) => {
    const ann = await as('ann')
    const keys = ['Zz', 'Zz', 'a0', 'a0', 'a0', 'a0V', 'a1', 'aA', 'aa']
    for (const number of [7, 2, 0, 4, 8, 1, 6, 3, 5])
      await ann.putTask({ path: { taskId: idOf(number) }, body: { title: `${number}`, sortKey: keys[number] as string } })
    await createTasks(ann, 'xyz')
    for (const limit of [1, 2, 3, 100]) {
      expect(await order(ann, 'sortKey', limit)).toBe('012345678xyz')
      expect(await order(ann, '-sortKey', limit)).toBe('zyx876543210')
    }
    const { body } = await ann.listTasks({ query: { sort: 'sortKey', q: '5' } })
    expect(body.items.map(({ title }) => title)).toEqual(['5'])
  })

  test('does not depend on the language of the database', async ({ service: { sql } }) => {
    const indexes = await sql`
      select indexrelid::regclass::text as name, collname as collation
      from pg_index join pg_collation as c on c.oid = indcollation[1]
      where indexrelid::regclass::text in ('tasks_sort_key_idx', 'categories_sort_key_idx')
      order by name`
    expect([...indexes]).toEqual(['categories', 'tasks'].map(table => ({ name: `${table}_sort_key_idx`, collation: 'C' })))
  })
})

describe('moveTask', () => {
  test('places a task before another, after another, and last', async ({ as }) => {
    const ann = await as('ann')
    const { a, b, d, e } = await createTasks(ann, 'abcde')
    const move = async (taskId: string | undefined, body: NonNullable<Input<'moveTask'>['body']>) => {
      const before = (await ann.listTasks()).etag
      const { body: task, etag } = await ann.moveTask({ path: { taskId: taskId as string }, body }, 200)
      expect([etag, task.revision]).toEqual([`"${task.revision}"`, Number(before.slice(1, -1)) + 1])
      expect((await ann.getTask({ path: { taskId: task.id } })).body).toEqual(task)
      return order(ann)
    }
    expect(await move(e, { before: a as string })).toBe('eabcd')
    expect(await move(e, { after: a as string, before: null })).toBe('aebcd')
    expect(await move(a, { after: b?.toUpperCase() as string })).toBe('ebacd')
    expect(await move(b, {})).toBe('eacdb')
    expect(await move(b, {})).toBe('eacdb')
    expect(await move(d, { before: b as string })).toBe('eacdb')
    expect(await move(a, { after: b as string, parentId: null, categoryId: null })).toBe('ecdba')
    await createTasks(ann, 'f')
    expect(await order(ann)).toBe('ecdbaf')
  })

  test('makes a place of the tasks with an equal key', async ({ as }) => {
    const ann = await as('ann')
    for (const number of [1, 2, 3]) await ann.putTask({ path: { taskId: idOf(number) }, body: { title: `${number}`, sortKey: 'a1' } })
    const { x, y } = await createTasks(ann, 'xy')
    await ann.moveTask({ path: { taskId: x as string }, body: { before: idOf(3) } })
    await ann.moveTask({ path: { taskId: y as string }, body: { after: idOf(1) } })
    expect(await order(ann)).toBe('x123y')
    await ann.moveTask({ path: { taskId: idOf(2) }, body: { before: idOf(3) } })
    expect(await order(ann)).toBe('x213y')
  })

  test('moves the only task', async ({ as }) => {
    const ann = await as('ann')
    const { a } = await createTasks(ann, 'a')
    const { body } = await ann.moveTask({ path: { taskId: a as string }, body: {} })
    await createTasks(ann, 'b')
    expect([body.sortKey, await order(ann)]).toEqual(['a0', 'ab'])
  })

  test('goes below a parent and into a category with everything below it, as one change', async ({ as }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    const { a, b } = await createTasks(ann, 'ab')
    const { body: c } = await ann.createTask({ body: { title: 'c', parentId: b as string } })
    await ann.updateTask({ path: { taskId: a as string }, body: { categoryId: home.id } })

    const { body: moved } = await ann.moveTask({ path: { taskId: b as string }, body: { parentId: a as string, before: a as string } })
    expect(moved).toMatchObject({ parentId: a, depth: 1, categoryId: home.id })
    const { body: below } = await ann.getTask({ path: { taskId: c.id } })
    expect(below).toMatchObject({ parentId: b, depth: 2, categoryId: home.id, revision: moved.revision, sortKey: c.sortKey })
    expect(await order(ann)).toBe('bac')

    const { body: out } = await ann.moveTask({ path: { taskId: b as string }, body: { parentId: null, categoryId: null, after: c.id } })
    expect(out).toMatchObject({ parentId: null, depth: 0, categoryId: null })
    expect((await ann.getTask({ path: { taskId: c.id } })).body).toMatchObject({ depth: 1, categoryId: null, revision: out.revision })
    expect(await order(ann)).toBe('acb')
  })

  test('sorts the tasks of one level in a tree', async ({ as }) => {
    const ann = await as('ann')
    const { a } = await createTasks(ann, 'a')
    const ids = []
    for (const title of 'xyz') ids.push((await ann.createTask({ body: { title, parentId: a as string } })).body.id)
    await ann.moveTask({ path: { taskId: ids[2] as string }, body: { before: ids[0] as string } })
    const { body } = await ann.getTaskTree({ path: { taskId: a as string } })
    expect(body.items.map(({ title }) => title).join('')).toBe('azxy')
  })

  test('refuses a neighbour that is not there, is deleted, or is the task itself', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const { a, b } = await createTasks(ann, 'ab')
    const { a: others } = await createTasks(bob, 'a')
    await ann.deleteTask({ path: { taskId: b as string } })
    const { etag } = await ann.listTasks()
    for (const id of [a, a?.toUpperCase(), b, others, unknownId] as string[])
      for (const side of ['before', 'after'] as const)
        expect(code(await ann.moveTask({ path: { taskId: a as string }, body: { [side]: id } }, 422))).toEqual([[`/${side}`, 'notFound']])
    const both = { before: others as string, after: others as string }
    expect(code(await ann.moveTask({ path: { taskId: a as string }, body: both }, 422))).toEqual([['/after', 'type']])
    expect((await ann.listTasks()).etag).toBe(etag)
  })

  test('refuses a place as a PATCH does', async ({ as }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    const { a, b } = await createTasks(ann, 'ab')
    const { body: c } = await ann.createTask({ body: { title: 'c', parentId: a as string } })
    const path = { taskId: a as string }
    expect(code(await ann.moveTask({ path, body: { parentId: c.id } }, 409))).toEqual([['/parentId', 'cycle']])
    expect(code(await ann.moveTask({ path, body: { parentId: b as string, categoryId: home.id } }, 409))).toEqual([
      ['/categoryId', 'parentCategory'],
    ])
    let parentId = b as string
    for (let depth = 1; depth <= 6; depth++) parentId = (await ann.createTask({ body: { title: 'd', parentId } })).body.id
    expect(code(await ann.moveTask({ path, body: { parentId } }, 409))).toEqual([['/parentId', 'tooDeep']])
    expect(code(await ann.moveTask({ path, body: { parentId: unknownId } }, 422))).toEqual([['/parentId', 'notFound']])
    expect(code(await ann.moveTask({ path, body: { categoryId: unknownId } }, 422))).toEqual([['/categoryId', 'notFound']])
    await ann.moveTask({ path: { taskId: unknownId }, body: { before: unknownId } }, 404)
  })

  test('evaluates the conditions on the task', async ({ as }) => {
    const ann = await as('ann')
    const { a, b } = await createTasks(ann, 'ab')
    const path = { taskId: a as string }
    const { etag } = await ann.getTask({ path })
    const move = (headers: object, status: 200 | 412) => ann.moveTask({ path, headers, body: { after: b as string } }, status)
    await move({ 'If-Match': '"1"' }, 412)
    expect((await move({ 'If-None-Match': '*' }, 412)).headers.get('etag')).toBe(etag)
    await move({ 'If-None-Match': etag }, 412)
    expect(await order(ann)).toBe('ab')
    await move({ 'If-Match': etag }, 200)
    expect(await order(ann)).toBe('ba')
    await move({ 'If-Match': etag }, 412)
    await ann.moveTask({ path: { taskId: unknownId }, headers: { 'If-Match': '*' }, body: {} }, 404)
  })
})

describe('long keys', () => {
  test('are shortened in one change of their own, before the move', async ({ as }) => {
    const ann = await as('ann')
    const long = `a0${'V'.repeat(60)}`
    await ann.putTask({ path: { taskId: idOf(1) }, body: { title: '1', sortKey: `${long}1` } })
    await ann.putTask({ path: { taskId: idOf(2) }, body: { title: '2', sortKey: `${long}2` } })
    await ann.putTask({ path: { taskId: idOf(3) }, body: { title: '3', sortKey: 'a1' } })
    const { body: task, etag } = await ann.putTask({ path: { taskId: idOf(4) }, body: { title: '4' } }, 201)
    const { body: moved } = await ann.moveTask({ path: { taskId: task.id }, headers: { 'If-Match': etag }, body: { after: idOf(1) } })
    expect(moved.revision).toBe(task.revision + 2)
    const all = await walk(ann)
    expect(all.map(({ title }) => title).join('')).toBe('1423')
    expect(all.map(({ revision }) => revision - task.revision)).toEqual([1, 2, 1, 1])
    for (const { sortKey } of all) expect(sortKey.length).toBeLessThan(20)
  })

  test('never come of many moves into one gap', async ({ as }) => {
    const ann = await as('ann')
    const { a, b, c } = await createTasks(ann, 'abc')
    // 600 moves in turn would make a key of about this length.
    await ann.updateTask({ path: { taskId: a as string }, body: { sortKey: `a0${'zzzz'.repeat(12)}` } })
    await ann.updateTask({ path: { taskId: b as string }, body: { sortKey: `a0${'zzzz'.repeat(12)}V` } })
    let [next, last] = [c, b] as [string, string]
    for (let count = 0; count < 40; count++) {
      const { body } = await ann.moveTask({ path: { taskId: next }, body: { after: a as string } })
      expect(body.sortKey.length).toBeLessThanOrEqual(50)
      expect((await walk(ann)).map(({ id }) => id)).toEqual([a, next, last])
      ;[next, last] = [last, next]
    }
  })

  test('that a client gave to many tasks may stay, as long as there is room', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    await createTasks(ann, 'ab')
    const tail = 'V'.repeat(180)
    await sql`
      insert into tasks (owner_id, id, title, priority, labels, revision, sort_key)
      select ${ann.id}, ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'n', 'none', '{}', 1, 'a0' || ${tail} || lpad(n::text, 4, '0') || '1'
      from generate_series(1, 300) as n`
    const { body: x } = await ann.createTask({ body: { title: 'x' } })
    const { body } = await ann.moveTask({ path: { taskId: x.id }, body: { after: idOf(150) } })
    expect(body.sortKey.length).toBeLessThanOrEqual(200)
    const ids = (await walk(ann)).map(({ id }) => id)
    expect(ids.slice(148, 152)).toEqual([149, 150].map(idOf).concat(x.id, idOf(151)))
  })
})

describe('at the same time', () => {
  const tried = async (user: Client, method: string, path: string, body?: object) =>
    (await user.send(method, `/v1/users/me/tasks/${path}`, body && json(body))).status

  test('eight writers leave a strict order of all tasks', async ({ as }) => {
    const ann = await as('ann')
    const ids = Object.values(await createTasks(ann, 'abcdefghij'))
    const statuses = new Set<number>()
    await Promise.all(
      Array.from({ length: 8 }, async (_, writer) => {
        for (let count = 0; count < 8; count++) {
          const [task, other] = [ids[(writer * 3 + count) % ids.length], ids[(writer + count * 7 + 1) % ids.length]]
          const side = count % 3 === 0 ? {} : { [count % 2 === 0 ? 'before' : 'after']: other }
          statuses.add(await tried(ann, 'POST', `${task}/move`, { ...side, ...(count % 4 === 0 && { parentId: null }) }))
        }
      }),
    )
    expect([...statuses].filter(status => ![200, 422, 503].includes(status))).toEqual([])
    expect(statuses).toContain(200)
    const all = await walk(ann)
    expect(all.map(({ id }) => id).sort()).toEqual(ids.sort())
    const keys = all.map(({ sortKey }) => sortKey)
    expect(keys).toEqual([...new Set(keys)].sort())
  })

  test('of two moves that would make a cycle, one is refused', async ({ as }) => {
    const ann = await as('ann')
    for (let count = 0; count < 5; count++) {
      const { a, b } = await createTasks(ann, 'ab')
      const both = [tried(ann, 'POST', `${a}/move`, { parentId: b }), tried(ann, 'POST', `${b}/move`, { parentId: a })]
      expect((await Promise.all(both)).sort()).toEqual([200, 409])
    }
  })

  test('a move meets the deletion of its task or neighbour as before or after it', async ({ as }) => {
    const ann = await as('ann')
    for (let count = 0; count < 5; count++) {
      const { a, b, c } = await createTasks(ann, 'abc')
      const [moved, , movedAway] = await Promise.all([
        tried(ann, 'POST', `${a}/move`, { after: b }),
        tried(ann, 'DELETE', b as string),
        tried(ann, 'POST', `${b}/move`, { after: c }),
      ])
      expect([200, 422]).toContain(moved)
      expect([200, 404]).toContain(movedAway)
      await ann.getTask({ path: { taskId: b as string } }, 404)
      const ids = (await walk(ann)).map(({ id }) => id)
      expect(ids.filter(id => [a, b, c].includes(id)).sort()).toEqual([a, c].sort())
    }
  })
})

describe('sortKey of a category', () => {
  const names = async (user: Client) => {
    const { items } = (await user.listCategories()).body
    const positions = items.map(({ position }) => position)
    expect(positions).toEqual(positions.toSorted((a, b) => a - b))
    return items.map(({ name }) => name).join('')
  }

  test('is in step with the position', async ({ as }) => {
    const ann = await as('ann')
    const ids: Record<string, string> = {}
    for (const [name, position] of Object.entries({ a: 2, b: 1, c: 1, d: 1_000_000 }))
      ids[name] = (await ann.createCategory({ body: { name, position } })).body.id
    expect(await names(ann)).toBe('bcad')

    const patch = async (name: string, body: object) => (await ann.updateCategory({ path: { categoryId: ids[name] as string }, body })).body
    const { sortKey } = await patch('b', { color: '#1971c2' })
    expect(await patch('a', { sortKey: `${sortKey}V` })).toMatchObject({ position: 1, sortKey: `${sortKey}V` })
    expect(await names(ann)).toBe('bacd')
    expect(await patch('d', { sortKey: 'a0', position: 7 })).toMatchObject({ position: 0, sortKey: 'a0' })
    expect(await names(ann)).toBe('dbac')
    expect((await patch('a', { position: 3 })).sortKey).toMatch(/^h00000003/)
    expect(await names(ann)).toBe('dbca')
    expect(await patch('d', { sortKey: 'z'.repeat(27) })).toMatchObject({ position: 1_000_000 })
    expect((await patch('d', { sortKey: null })).sortKey).toMatch(/^h000f4240/)
    expect(await names(ann)).toBe('bcad')
    const { body } = await ann.putCategory({ path: { categoryId: ids.d as string }, body: { name: 'd' } }, 200)
    expect(body).toMatchObject({ position: 0, sortKey: expect.stringMatching(/^h00000000/) })
    const path = { categoryId: randomUUID() }
    expect((await ann.putCategory({ path, body: { name: 'e', sortKey: 'h0000000a' } }, 201)).body.position).toBe(10)
  })

  test('pages through equal keys by id', async ({ as }) => {
    const ann = await as('ann')
    for (const number of [3, 1, 2])
      await ann.putCategory({ path: { categoryId: idOf(number) }, body: { name: `${number}`, sortKey: 'a0' } })
    let found = ''
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const { body } = await ann.listCategories({ query: { limit: 1, ...(cursor && { cursor }) } })
      found += body.items.map(({ name }) => name).join('')
      cursor = body.nextCursor
    }
    expect(found).toBe('123')
  })

  test('does not count where release 0.5 has changed the position since', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const { body: a } = await ann.createCategory({ body: { name: 'a', sortKey: 'h00000005V' } })
    await ann.createCategory({ body: { name: 'b', position: 6 } })
    await sql`update categories set position = 7 where owner_id = ${ann.id} and id = ${a.id}`
    expect(await names(ann)).toBe('ba')
    const { body } = await ann.getCategory({ path: { categoryId: a.id } })
    expect(body).toMatchObject({ position: 7, sortKey: expect.stringMatching(/^h00000007/) })
  })

  test('replies announce that the position goes away', async ({ as }) => {
    const ann = await as('ann')
    const { headers } = await ann.listCategories()
    expect([headers.get('deprecation'), headers.get('sunset')]).toEqual(['@1796083200', 'Wed, 01 Dec 2027 00:00:00 GMT'])
  })
})
