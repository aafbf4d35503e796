// Changes of one account at the same time. Each race ends in a state that one order of its requests makes.
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { json } from '../faults/crowd.ts'
import { expectRules, type Rows } from '../support/account-rules.ts'
import type { Client } from '../support/client.ts'
import type { Answer } from '../support/spec.ts'
import { test } from '../support/taskspec.ts'

type Ann = Client & { id: string }
type Request = [method: string, path: string, body?: object]
type Reply = Answer & { request: Request }

const writers = 8
const middle = 4 // a writer that starts after some and before others

/** Sends a request again that has lost every one of its races, as the 503 says. */
async function send(user: Client, request: Request): Promise<Reply> {
  const [method, path, body] = request
  const answer = await user.send(method, `/v1/users/me/${path}`, body && json(body))
  return answer.status === 503 ? send(user, request) : { ...answer, request }
}

/** Eight writers send requests at the same time, each one after the other, and get one of the statuses. */
async function race(
  user: Client,
  rounds: number,
  requestOf: (writer: number, round: number) => Request,
  statuses: number[],
): Promise<Reply[]> {
  const replies: Reply[] = []
  const write = async (_: unknown, writer: number) => {
    for (let round = 0; round < rounds; round++) replies.push(await send(user, requestOf(writer, round)))
  }
  await Promise.all(Array.from({ length: writers }, write))
  for (const { status, request } of replies) expect(statuses, `${request}`).toContain(status)
  expectRisingRevisions(replies)
  return replies
}

/** No two changes have one revision. */
function expectRisingRevisions(replies: Reply[]) {
  const revisions = succeeded(replies).flatMap(({ body }) => (body as { revision?: number } | undefined)?.revision ?? [])
  expect(new Set(revisions).size).toBe(revisions.length)
}

const succeeded = (replies: Reply[]) => replies.filter(({ status }) => status < 300)
const of = (method: string, replies: Reply[]) => replies.filter(({ request }) => request[0] === method)
const revisionOf = ({ headers }: Reply) => Number(headers.get('etag')?.slice(1, -1))
const liveOf = ({ tasks }: Rows) => tasks.filter(({ deletedAt }) => deletedAt === null)
const remove = (user: Client, taskId: string) => user.deleteTask({ path: { taskId } }, 204)

/** Creates a chain of tasks, each below the one before, and returns their ids. */
async function chain(user: Client, length: number, fields: object = {}): Promise<[string, ...string[]]> {
  const ids: string[] = []
  for (let depth = 0; depth < length; depth++)
    ids.push(
      (await user.createTask({ body: { title: `level ${depth}`, parentId: ids.at(-1) ?? null, ...(depth === 0 && fields) } }, 201)).body.id,
    )
  return ids as [string, ...string[]]
}

/** Each item of the trash is in the list, with all of its tasks. */
async function expectTrash(ann: Ann, { tasks, categories }: Rows) {
  const { items } = (await ann.listTrash({ query: { limit: 100 } })).body
  const deleted = [...tasks, ...categories].filter(({ deletedAt }) => deletedAt !== null)
  expect(items.reduce((sum, { count }) => sum + 1 + count, 0)).toBe(deleted.length)
  return items
}

test('of restores and purges of one item, one succeeds as a whole', async ({ as, service }) => {
  const ann = await as('ann')
  for (let round = 0; round < 5; round++) {
    const ids = await chain(ann, 3)
    await remove(ann, ids[0])
    const item = `trash/${ids[0]}`
    const replies = await race(ann, 1, writer => (writer % 2 === 0 ? ['POST', `${item}/restore`] : ['DELETE', item]), [200, 204, 404])
    const [winner, ...others] = succeeded(replies)
    expect(others).toEqual([])
    const rows = await expectRules(service, ann.id)
    const left = rows.tasks.filter(({ id }) => ids.includes(id))
    expect(left.map(({ deletedAt }) => deletedAt)).toEqual(winner?.status === 200 ? [null, null, null] : [])
  }
})

test('a task that is restored while its parent is deleted goes along or comes back without it', async ({ as, service }) => {
  const ann = await as('ann')
  for (let round = 0; round < 5; round++) {
    const [root, child, grandchild] = (await chain(ann, 3)) as [string, string, string]
    await remove(ann, child)
    const requestOf = (writer: number): Request => (writer % 2 === 0 ? ['POST', `trash/${child}/restore`] : ['DELETE', `tasks/${root}`])
    const replies = await race(ann, 1, requestOf, [200, 204, 404])
    expect(
      succeeded(replies)
        .map(({ status }) => status)
        .sort(),
    ).toEqual([200, 204])
    const rows = await expectRules(service, ann.id)
    const live = liveOf(rows).filter(({ id }) => [child, grandchild].includes(id))
    const item = (await expectTrash(ann, rows)).find(({ id }) => id === root)
    if (live.length === 0) expect(item?.count).toBe(2)
    else expect([live.find(({ id }) => id === child)?.parentId, live.length, item?.count]).toEqual([null, 2, 0])
  }
})

test('a tree that is deleted while the trash is emptied is in the trash as a whole, or gone', async ({ as, service }) => {
  const ann = await as('ann')
  const trees: string[][] = []
  while (trees.length < 16) trees.push(await chain(ann, 3))
  const requestOf = (writer: number, round: number): Request =>
    writer % 2 === 0 ? ['DELETE', `tasks/${trees[writer * 2 + round]?.[0]}`] : ['DELETE', 'trash']
  await race(ann, 4, requestOf, [204])
  const rows = await expectRules(service, ann.id)
  expect(liveOf(rows)).toEqual([])
  for (const { count } of await expectTrash(ann, rows)) expect(count).toBe(2)
  await ann.emptyTrash({}, 204)
  expect((await expectRules(service, ann.id)).tasks).toEqual([])
})

test('a subtask that is created while a task above is completed is open only if it came later', async ({ as, service }) => {
  const ann = await as('ann')
  for (let round = 0; round < 8; round++) {
    const above = await chain(ann, 3)
    const requestOf = (writer: number): Request =>
      writer === middle
        ? ['PATCH', `tasks/${above[0]}`, { completed: true }]
        : ['POST', 'tasks', { title: 'new', parentId: above[writer % 3] as string }]
    const replies = await race(ann, 2, requestOf, [200, 201])
    const last = Math.max(...of('PATCH', replies).map(revisionOf))
    const rows = await expectRules(service, ann.id)
    const open = liveOf(rows).filter(({ id, completed }) => !completed && (above.includes(id) || isCreated(replies, id)))
    expect(open.filter(({ revision }) => revision < last)).toEqual([])
  }
})

const isCreated = (replies: Reply[], id: string) => of('POST', replies).some(({ body }) => (body as { id: string }).id === id)

test('a task that gets a label while the label is renamed has the old name only if it came later', async ({ as, service }) => {
  const ann = await as('ann')
  const [task] = await chain(ann, 1)
  for (let round = 0; round < 8; round++) {
    await ann.createTask({ body: { title: 'labelled', labels: ['old', 'New'] } }, 201)
    const requestOf = (writer: number, round: number): Request => {
      if (writer === middle && round === 1) return ['PATCH', 'labels/old', { name: 'new' }]
      if (writer % 2 === 0) return ['POST', 'tasks', { title: 'labelled', labels: ['OLD', 'other'] }]
      return ['PATCH', `tasks/${task}`, { labels: ['new', 'Old'] }]
    }
    const replies = await race(ann, 3, requestOf, [200, 201])
    const [rename] = replies.filter(({ request }) => request[1] === 'labels/old').map(revisionOf)
    for (const { labels, revision } of liveOf(await expectRules(service, ann.id))) {
      const names = labels.map(label => label.toLowerCase())
      expect(new Set(names).size).toBe(names.length)
      expect(names.includes('old') && revision < (rename as number)).toBe(false)
    }
  }
})

test('categories that are deleted while subtasks move leave no task in them', async ({ as, service }) => {
  const ann = await as('ann')
  const homes: string[] = [randomUUID(), randomUUID()]
  for (const [i, categoryId] of homes.entries()) await ann.putCategory({ path: { categoryId }, body: { name: `Home ${i}` } }, 201)
  const trees: string[][] = []
  for (const categoryId of homes) trees.push(await chain(ann, 3, { categoryId }))
  const all = trees.flat()
  const requestOf = (writer: number, round: number): Request => {
    const home = homes[(writer + round) % 2] as string
    const task = all[(writer * 3 + round) % all.length] as string
    const parentId = all[(writer * 5 + round * 3 + 1) % all.length] as string
    const requests: Request[] = [
      ['DELETE', `categories/${home}`],
      ['PATCH', `tasks/${task}`, { parentId }],
      ['PUT', `categories/${home}`, { name: `Home ${homes.indexOf(home)}` }],
      ['PATCH', `tasks/${task}`, { parentId: null, categoryId: home }],
      ['DELETE', `tasks/${task}`],
      ['POST', `trash/${task}/restore`],
      ['POST', `trash/${home}/restore`],
    ]
    return requests[(writer + round * 2) % requests.length] as Request
  }
  await race(ann, 14, requestOf, [200, 201, 204, 404, 409, 422])
  await expectTrash(ann, await expectRules(service, ann.id))
})
