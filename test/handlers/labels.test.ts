import type postgres from 'postgres'
import { describe, expect } from 'vitest'
import { json } from '../faults/crowd.ts'
import type { Client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { lockWaits } from '../support/lock.ts'
import { test } from '../support/taskspec.ts'

/** Creates a task for each list of labels, and resolves with their ids. */
async function createTasks(user: Client, ...lists: string[][]): Promise<string[]> {
  const ids: string[] = []
  for (const labels of lists) ids.push((await user.createTask({ body: { title: labels.join() || 'none', labels } })).body.id)
  return ids
}

const labelsOf = async (user: Client, taskId = '') => (await user.getTask({ path: { taskId } })).body.labels
const list = async (user: Client) => (await user.listLabels({ query: { limit: 100 } })).body.items
const counted = (name: string, openTasks: number, totalTasks = openTasks) => ({ name, openTasks, totalTasks })

describe('listLabels', () => {
  test('returns each label of the live tasks with its open tasks and all tasks', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const [first, deleted] = await createTasks(ann, ['travel', 'tickets'], ['travel', 'Gone Fishing'], ['travel'], [])
    await createTasks(bob, ['his own', 'travel'])
    await ann.updateTask({ path: { taskId: first as string }, body: { completed: true } })
    await ann.deleteTask({ path: { taskId: deleted as string } })
    expect(await list(ann)).toEqual([counted('tickets', 0, 1), counted('travel', 1, 2)])
  })

  test('counts labels that look alike as one, in the most frequent spelling, and a task once', async ({ as }) => {
    const ann = await as('ann')
    await createTasks(ann, ['home'], ['Home', 'ho\u200bme'], ['HOME', 'Home'], ['E\u0301te\u0301', 'a'], ['été', 'A'])
    expect(await list(ann)).toEqual([counted('A', 2), counted('E\u0301te\u0301', 2), counted('Home', 3)])
  })

  test('sorts for humans, whatever the case, and pages without gaps', async ({ as }) => {
    const ann = await as('ann')
    const names = ['%', '/', '2', 'Äpfel', 'apple', 'Banana', 'Éclair', 'egg', 'Zebra', 'зима', '写真']
    await createTasks(ann, names.toReversed())
    const seen: string[] = []
    let cursor: string | null | undefined
    while (cursor !== null) {
      const { body } = await ann.listLabels({ query: { limit: 2, ...(cursor && { cursor }) } })
      expect(body.items.length).toBeLessThanOrEqual(2)
      seen.push(...body.items.map(({ name }) => name))
      cursor = body.nextCursor
    }
    expect([...seen].sort()).toEqual([...names].sort())
    expect(seen.slice(-8)).toEqual(['Äpfel', 'apple', 'Banana', 'Éclair', 'egg', 'Zebra', 'зима', '写真'])
    expect((await list(ann)).map(({ name }) => name)).toEqual(seen)
  })

  test('a label whose spelling changes between two pages is not skipped and not repeated', async ({ as }) => {
    const ann = await as('ann')
    await createTasks(ann, ['a', 'b', 'c'])
    const { body } = await ann.listLabels({ query: { limit: 2 } })
    await createTasks(ann, ['A'], ['A'], ['\u200bC'], ['\u200bC'])
    const next = await ann.listLabels({ query: { cursor: body.nextCursor as string } })
    expect([...body.items, ...next.body.items].map(({ name }) => name)).toEqual(['a', 'b', '\u200bC'])
  })

  test('replies with the ETag of the account, and 304 to it', async ({ as }) => {
    const ann = await as('ann')
    expect(await ann.listLabels()).toMatchObject({ etag: '"0"', body: { items: [], nextCursor: null } })
    const { etag } = await ann.createTask({ body: { title: 'a', labels: ['x'] } })
    expect((await ann.listLabels({ headers: { 'If-None-Match': '"0"' } }, 200)).etag).toBe(etag)
    await ann.listLabels({ headers: { 'If-None-Match': etag } }, 304)
    await ann.listLabels({ headers: { 'If-Match': '"0"' } }, 412)
  })

  test.for([['["label",null,"a\\u0000"]'], ['["label",null,5]'], ['["title",null,"a"]'], ['[]']])(
    'refuses the forged cursor %s',
    async ([cursor], { as }) => {
      const ann = await as('ann')
      await createTasks(ann, ['a'])
      const query = { cursor: Buffer.from(cursor as string).toString('base64url') }
      const { body } = await ann.listLabels({ query }, 422)
      expect(body.errors).toMatchObject([{ pointer: '/cursor', code: 'cursor' }])
      await ann.listLabels({ query, headers: { 'If-None-Match': '*' } }, 422)
    },
  )

  test('is 401 without a token and 403 for another user', async ({ as, anonymous }) => {
    await anonymous.listLabels({}, 401)
    await (await as('ann')).listLabels({ path: { userId: 'bob' } }, 403)
  })
})

describe('renameLabel', () => {
  test('renames the label in every live task that has it, in one revision', async ({ as, service: { sql } }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const [a, b, done, other, deleted] = (await createTasks(ann, ['x', 'travel', 'y'], ['Travel'], ['travel'], ['y'], ['travel'])) as [
      ...[string, string, string, string, string],
    ]
    const [his] = await createTasks(bob, ['travel'])
    await ann.updateTask({ path: { taskId: done }, body: { completed: true } })
    await ann.deleteTask({ path: { taskId: deleted } })
    const { body: before } = await ann.getTask({ path: { taskId: a } })
    const { body: same } = await ann.getTask({ path: { taskId: other } })
    const revision = Number((await ann.listLabels()).etag.slice(1, -1))

    const { body, etag } = await ann.renameLabel({ path: { label: 'TRAVEL' }, body: { name: 'Trips' } })
    expect([body, etag]).toEqual([counted('Trips', 2, 3), `"${revision + 1}"`])
    expect(await ann.listLabels()).toMatchObject({ etag, body: { items: [body, counted('x', 1), counted('y', 2)] } })
    const { body: after } = await ann.getTask({ path: { taskId: a } })
    expect(after).toEqual({ ...before, labels: ['x', 'Trips', 'y'], revision: revision + 1, updatedAt: expect.any(String) })
    expect(Date.parse(after.updatedAt)).toBeGreaterThanOrEqual(Date.parse(before.updatedAt))
    for (const taskId of [b, done])
      expect((await ann.getTask({ path: { taskId } })).body).toMatchObject({ labels: ['Trips'], revision: revision + 1 })
    expect((await ann.getTask({ path: { taskId: other } })).body).toEqual(same)
    expect(await labelsOf(bob, his)).toEqual(['travel'])
    expect((await sql`select labels from tasks where owner_id = ${ann.id} and id = ${deleted}`)[0]).toEqual({ labels: ['travel'] })
  })

  test('makes one label of two in the place of the first', async ({ as }) => {
    const ann = await as('ann')
    const tasks = await createTasks(
      ann,
      ['a', 'old', 'b', 'new'],
      ['NEW', 'a', 'old'],
      ['old', 'OLD', 'New', 'new'],
      ['new'],
      ['new'],
      ['new'],
    )
    expect((await ann.renameLabel({ path: { label: 'old' }, body: { name: 'New' } })).body).toEqual(counted('New', 6))
    expect(await Promise.all(tasks.map(id => labelsOf(ann, id)))).toEqual([
      ['a', 'New', 'b'],
      ['New', 'a'],
      ['New'],
      ['new'],
      ['new'],
      ['new'],
    ])
    await createTasks(ann, ['new'])
    await createTasks(ann, ['z'])
    expect((await ann.renameLabel({ path: { label: 'z' }, body: { name: 'NEW' } })).body).toEqual(counted('new', 8))
  })

  test('changes the spelling of a label', async ({ as }) => {
    const ann = await as('ann')
    const [first, second] = await createTasks(ann, ['home', 'x', 'HOME'], ['Home'])
    expect((await ann.renameLabel({ path: { label: 'home' }, body: { name: 'Ho\u200bme' } })).body).toEqual(counted('Ho\u200bme', 2))
    expect([await labelsOf(ann, first), await labelsOf(ann, second)]).toEqual([['Ho\u200bme', 'x'], ['Ho\u200bme']])
  })

  test.for(['a/b', '100%', '%2F', 'a b+c', 'ä "q", {b}', '写真', 'NULL', '\\', '?#', 'me', '..\u200b', "'; --"])(
    'finds the label %s by its percent-encoded text',
    async (label, { as }) => {
      const ann = await as('ann')
      const [task] = await createTasks(ann, [label, 'Other label'])
      expect((await ann.renameLabel({ path: { label }, body: { name: `${label}!` } })).body).toEqual(counted(`${label}!`, 1))
      expect(await labelsOf(ann, task)).toEqual([`${label}!`, 'Other label'])
      await ann.deleteLabel({ path: { label: `${label}!` } })
      expect(await labelsOf(ann, task)).toEqual(['Other label'])
    },
  )

  test('finds the labels . and .. by a spelling that is no step of a path', async ({ as }) => {
    const ann = await as('ann')
    const [task] = await createTasks(ann, ['.', '..', 'x'])
    for (const segment of ['.', '..', '%2e%2E']) expect((await ann.send('DELETE', `/v1/users/me/labels/${segment}`)).status).toBe(404)
    expect(await labelsOf(ann, task)).toEqual(['.', '..', 'x'])
    await ann.renameLabel({ path: { label: '.\u200b' }, body: { name: 'one' } })
    await ann.deleteLabel({ path: { label: '..\u200b' } })
    expect(await labelsOf(ann, task)).toEqual(['one', 'x'])
  })

  test('changes nothing without a name, and accepts a label as it was read', async ({ as }) => {
    const ann = await as('ann')
    await createTasks(ann, ['Home'])
    const before = await ann.listLabels()
    const [label] = before.body.items as [ReturnType<typeof counted>]
    expect(await ann.renameLabel({ path: { label: 'home' }, body: {} })).toMatchObject({ body: label, etag: before.etag })
    expect((await ann.renameLabel({ path: { label: 'home' }, body: { ...label, name: 'House', openTasks: 7 } })).body).toEqual(
      counted('House', 1),
    )
  })

  test('honours If-Match and If-None-Match, which are about the list', async ({ as }) => {
    const ann = await as('ann')
    await createTasks(ann, ['a'])
    const { etag } = await ann.listLabels()
    const path = { label: 'a' }
    const rename = (headers: object, status: 200 | 412 | 404 | 422, body: { name?: string } = { name: 'A' }) =>
      ann.renameLabel({ path, body, headers }, status)
    for (const headers of [{ 'If-Match': '"9"' }, { 'If-None-Match': etag }, { 'If-None-Match': '*' }, { 'If-Match': `W/${etag}` }])
      for (const body of [{ name: 'A' }, {}]) expect((await rename(headers, 412, body)).etag).toBe(etag)
    for (const headers of [{ 'If-Match': '"9"' }, { 'If-None-Match': etag }, { 'If-None-Match': '*' }])
      expect((await ann.deleteLabel({ path, headers }, 412)).etag).toBe(etag)
    expect((await ann.listLabels()).etag).toBe(etag)
    await rename({ 'If-Match': 'no tag' }, 422)

    const { etag: next } = await rename({ 'If-Match': etag }, 200)
    await rename({ 'If-Match': etag }, 412)
    await rename({ 'If-Match': `"9", ${next}`, 'If-None-Match': etag }, 200)
    await ann.deleteLabel({ path, headers: { 'If-Match': '*' } })
    for (const headers of [{ 'If-Match': '*' }, { 'If-Match': '"9"' }, { 'If-None-Match': '*' }]) {
      await rename(headers, 404)
      await ann.deleteLabel({ path, headers }, 404)
    }
  })

  test.for([
    ['an empty name', { name: '' }],
    ['an invisible name', { name: '\u200b' }],
    ['NUL in the name', { name: 'a\0' }],
    ['a lone surrogate in the name', { name: 'a\ud800' }],
    ['a name too long', { name: 'x'.repeat(51) }],
  ] as const)('refuses %s', async ([, body], { as }) => {
    const ann = await as('ann')
    await createTasks(ann, ['a'])
    const { body: problem } = await ann.renameLabel({ path: { label: 'a' }, body }, 422)
    for (const error of problem.errors) expect(error).toMatchObject({ location: 'body', pointer: '/name' })
    expect(await list(ann)).toEqual([counted('a', 1)])
  })

  test.for(['x'.repeat(51), '\u200b', 'a\0'])('refuses a path with no possible label: %j', async (label, { as }) => {
    const ann = await as('ann')
    const { body } = await ann.renameLabel({ path: { label }, body: { name: 'a' } }, 422)
    expect(body.errors[0]).toMatchObject({ location: 'path', pointer: '/label' })
    await ann.deleteLabel({ path: { label } }, 422)
  })

  test('is 404 for a label that no live task has, and changes nothing', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    await bob.renameLabel({ path: { label: 'a' }, body: { name: 'b' } }, 404)
    await bob.renameLabel({ path: { label: 'a' }, body: {} }, 404)
    const [task] = await createTasks(ann, ['a'])
    await createTasks(bob, ['b'])
    const { etag } = await bob.listLabels()
    await bob.renameLabel({ path: { label: 'a' }, body: { name: 'c' } }, 404)
    await ann.deleteTask({ path: { taskId: task as string } })
    await ann.renameLabel({ path: { label: 'a' }, body: { name: 'c' } }, 404)
    await bob.listLabels({ headers: { 'If-None-Match': etag } }, 304)
  })

  test('is 401 without a token and 403 for another user', async ({ as, anonymous }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const [task] = await createTasks(ann, ['a'])
    await anonymous.renameLabel({ path: { userId: ann.id, label: 'a' }, body: { name: 'b' } }, 401)
    await bob.renameLabel({ path: { userId: ann.id, label: 'a' }, body: { name: 'b' } }, 403)
    expect(await labelsOf(ann, task)).toEqual(['a'])
  })
})

describe('deleteLabel', () => {
  test('removes the label from every live task that has it, in one revision', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const [a, b, other] = (await createTasks(ann, ['x', 'travel', 'y', 'TRAVEL'], ['Travel'], ['y'])) as [string, string, string]
    const [his] = await createTasks(bob, ['travel'])
    const revision = Number((await ann.listLabels()).etag.slice(1, -1))
    const { body: same } = await ann.getTask({ path: { taskId: other } })
    await ann.deleteLabel({ path: { label: 'travel' } })
    expect((await ann.getTask({ path: { taskId: a } })).body).toMatchObject({ labels: ['x', 'y'], revision: revision + 1 })
    expect((await ann.getTask({ path: { taskId: b } })).body).toMatchObject({ labels: [], revision: revision + 1 })
    expect((await ann.getTask({ path: { taskId: other } })).body).toEqual(same)
    expect(await ann.listLabels()).toMatchObject({ etag: `"${revision + 1}"`, body: { items: [counted('x', 1), counted('y', 2)] } })
    await ann.deleteLabel({ path: { label: 'travel' } }, 404)
    expect(await labelsOf(bob, his)).toEqual(['travel'])
  })

  test('is 401 without a token and 403 for another user', async ({ as, anonymous }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const [task] = await createTasks(ann, ['a'])
    await anonymous.deleteLabel({ path: { userId: ann.id, label: 'a' } }, 401)
    await bob.deleteLabel({ path: { userId: ann.id, label: 'a' } }, 403)
    expect(await labelsOf(ann, task)).toEqual(['a'])
  })
})

describe('races', () => {
  /** Begins a change while another one holds the account, which adds the label to a further task and then commits. */
  async function race(sql: postgres.Sql, ann: Client & { id: string }, change: () => Promise<unknown>) {
    const [first, late] = (await createTasks(ann, ['x', 'old'], ['x'])) as [string, string]
    const other = await sql.reserve()
    await other`begin`
    await other`update users set revision = revision + 1 where id = ${ann.id}`
    await other`
      update tasks set labels = '{x,old}', revision = (select revision from users where id = ${ann.id})
      where owner_id = ${ann.id} and id = ${late}`
    const changed = change()
    const waiting = () => lockWaits(sql)
    await eventually(async () => expect(await waiting()).not.toEqual([]))
    await other`commit`
    other.release()
    await changed
    return [await labelsOf(ann, first), await labelsOf(ann, late)]
  }

  test('renames a label also in a task that gets it while the change waits', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    const labels = await race(sql, ann, () => ann.renameLabel({ path: { label: 'old' }, body: { name: 'new' } }))
    expect(labels).toEqual([
      ['x', 'new'],
      ['x', 'new'],
    ])
  })

  test('removes a label also from a task that gets it while the change waits', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    expect(await race(sql, ann, () => ann.deleteLabel({ path: { label: 'old' } }))).toEqual([['x'], ['x']])
  })

  test('each of many concurrent renames and edits is made whole, in the order of the revisions', async ({ as }) => {
    const ann = await as('ann')
    for (let round = 0; round < 5; round++) {
      const ids = await createTasks(ann, ['a'], ['b', 'x'], ['a', 'b'], ['x'])
      const tasks = new Map(ids.map(id => [id, ['']]))
      for (const id of ids) tasks.set(id, await labelsOf(ann, id))
      const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => send(ann, ids, i)))

      const made = replies.filter(({ revision }) => revision > 0).sort((a, b) => a.revision - b.revision)
      const states = [new Map(tasks)]
      for (const { apply } of made) {
        apply(tasks)
        states.push(new Map(tasks))
      }
      expect(new Set(made.map(({ revision }) => revision)).size).toBe(made.length)
      expect(await Promise.all(ids.map(id => labelsOf(ann, id)))).toEqual([...tasks.values()])
      for (const { status, label } of replies.filter(({ revision }) => revision === 0)) {
        expect([404, 503]).toContain(status)
        if (status === 404) expect(states.some(state => ![...state.values()].flat().includes(label))).toBe(true)
      }
      for (const taskId of ids) await ann.deleteTask({ path: { taskId } })
    }
  })

  type Tasks = Map<string, string[]>
  type Sent = { status: number; revision: number; label: string; apply: (tasks: Tasks) => void }

  /** One of three kinds of changes, with the revision that it made: 0 if it was refused. */
  async function send(ann: Client, ids: string[], i: number): Promise<Sent> {
    const [old, name] = i % 2 === 0 ? ['a', 'b'] : ['b', 'a']
    const id = ids[i % ids.length] as string
    const labels = i % 4 === 0 ? ['x', 'a'] : ['b']
    const path = i % 3 === 0 ? `/v1/users/me/tasks/${id}` : `/v1/users/me/labels/${old}`
    const { status, headers } = await ann.send('PATCH', path, json(i % 3 === 0 ? { labels } : { name }))
    const revision = status === 200 ? Number((headers.get('etag') as string).slice(1, -1)) : 0
    const renamed = (all: string[]) => [...new Set(all.map(each => (each === old ? name : each)))] as string[]
    const apply = (tasks: Tasks) => {
      for (const [each, all] of tasks) {
        if (i % 3 !== 0) tasks.set(each, all.includes(old as string) ? renamed(all) : all)
        else if (each === id) tasks.set(each, labels)
      }
    }
    return { status, revision, label: old as string, apply }
  }
})
