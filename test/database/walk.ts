// A user's way through the API. The client checks each reply against the contract; the steps check what the database computes.
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Client, Input } from '../support/client.ts'

type Ann = Client & { id: string }
type Query = NonNullable<Input<'listTasks'>['query']>
type Sort = Exclude<NonNullable<Query['sort']>, 'relevance'>

// The tasks, in the order of their creation. Below, a text such as `ab` stands for a list of them.
const samples = {
  a: { title: 'Écrire à Zoé', priority: 'low', dueDate: '2027-03-02', labels: ['Straße'] },
  b: { title: 'zebra', priority: 'high', dueDate: '2027-03-01', dueTime: '18:30', timeZone: 'Europe/Helsinki' },
  c: { title: 'Die Straße fegen', priority: 'none', dueDate: '2027-03-01' },
  d: { title: '会議資料を読む', priority: 'medium', description: 'ΟΔΟΣ' },
} as const

const orders: Record<Sort, string> = {
  createdAt: 'abcd',
  '-createdAt': 'dcba',
  updatedAt: 'cdba',
  '-updatedAt': 'abdc',
  dueDate: 'bcad',
  '-dueDate': 'acbd',
  priority: 'cadb',
  '-priority': 'bdac',
  title: 'cabd',
  '-title': 'dbac',
  sortKey: 'abcd',
  '-sortKey': 'dcba',
}

const filters = (categoryId: string): [Query, string][] => [
  [{ completed: true }, 'a'],
  [{ completed: false, dueFrom: '2027-03-01', dueTo: '2027-03-01' }, 'bc'],
  [{ priority: ['low', 'high'] }, 'ab'],
  [{ categoryId }, 'b'],
  [{ label: ['STRASSE'] }, 'a'],
  [{ q: 'strasse feg' }, 'c'],
  [{ q: 'ECRIRE zoe' }, 'a'],
  [{ q: '議資' }, 'd'],
  [{ q: '会議 οδος' }, 'd'],
  [{ q: 'zebra zoe' }, ''],
  [{ q: 'z', sort: 'relevance', limit: 1 }, 'ba'],
]

export async function walk(ann: Ann): Promise<void> {
  await meet(ann)
  const { street, work } = await arrangeCategories(ann)
  const { a, b } = await writeTasks(ann, work)
  for (const [query, letters] of filters(work)) expect([query, await listed(ann, query)]).toEqual([query, letters])
  for (const sort of Object.keys(orders) as Sort[]) expect([sort, await listed(ann, { sort, limit: 3 })]).toEqual([sort, orders[sort]])
  await sendConditions(ann, a)
  await deleteBoth(ann, b, work)
  await erase(ann, street)
}

async function meet(ann: Ann) {
  const { body: user, etag } = await ann.getUser()
  expect(user).toMatchObject({ id: ann.id, name: null, timeZone: null })
  await ann.getUser({ headers: { 'If-None-Match': etag } }, 304)
  const { body: changed } = await ann.updateUser({ headers: { 'If-Match': etag }, body: { name: 'Ann', timeZone: 'Europe/Helsinki' } })
  expect(changed).toMatchObject({ name: 'Ann', timeZone: 'Europe/Helsinki', revision: user.revision + 1 })
  await ann.updateUser({ headers: { 'If-Match': etag }, body: { name: 'Bob' } }, 412)
}

async function arrangeCategories(ann: Ann) {
  const { body: street } = await ann.createCategory({ body: { name: 'Straße', position: 2 } })
  const path = { categoryId: randomUUID() }
  await ann.putCategory({ path, body: { name: 'Office', position: 3 } }, 201)
  await ann.putCategory({ path, body: { name: 'Work', color: '#1971c2', position: 3 } }, 200)
  await ann.updateCategory({ path, body: { position: 1 } })
  await ann.createCategory({ body: { name: 'STRASSE' } }, 409)
  const { body: first } = await ann.listCategories({ query: { limit: 1 } })
  const { body: second } = await ann.listCategories({ query: { limit: 1, cursor: first.nextCursor as string } })
  expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(['Work', 'Straße'])
  return { street: street.id, work: path.categoryId }
}

async function writeTasks(ann: Ann, categoryId: string) {
  const { body: a } = await ann.createTask({ body: { ...samples.a, labels: ['Straße'] } })
  const path = { taskId: randomUUID() }
  const { body: b } = await ann.putTask({ path, body: { title: 'before' } }, 201)
  await ann.createTask({ body: samples.c })
  await ann.createTask({ body: samples.d })
  const { body: replaced } = await ann.putTask({ path, body: { ...samples.b, categoryId } }, 200)
  expect(replaced).toMatchObject({ ...samples.b, categoryId, createdAt: b.createdAt })
  const { body: done } = await ann.updateTask({ path: { taskId: a.id }, body: { completed: true } })
  expect(done).toEqual({ ...a, completed: true, completedAt: done.updatedAt, updatedAt: done.updatedAt, revision: replaced.revision + 1 })
  return { a: a.id, b: b.id }
}

/** The letters of the tasks that are on the pages of a list. */
async function listed(ann: Ann, query: Query): Promise<string> {
  const titles: string[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { body } = await ann.listTasks({ query: { sort: 'createdAt', ...query, ...(cursor !== undefined && { cursor }) } })
    titles.push(...body.items.map(({ title }) => title))
    cursor = body.nextCursor
  }
  return titles.map(title => Object.entries(samples).find(([, sample]) => sample.title === title)?.[0]).join('')
}

async function sendConditions(ann: Ann, taskId: string) {
  const { etag: list } = await ann.listTasks()
  await ann.listTasks({ headers: { 'If-None-Match': list } }, 304)
  const { etag: task } = await ann.getTask({ path: { taskId } })
  await ann.getTask({ path: { taskId }, headers: { 'If-None-Match': task } }, 304)
  const { etag: current } = await ann.updateTask({ path: { taskId }, headers: { 'If-Match': task }, body: { description: 'Zoë' } })
  expect((await ann.updateTask({ path: { taskId }, headers: { 'If-Match': task }, body: { title: 'late' } }, 412)).etag).toBe(current)
  await ann.putTask({ path: { taskId }, headers: { 'If-None-Match': '*' }, body: { title: 'late' } }, 412)
  await ann.createTask({ headers: { 'If-Match': list }, body: { title: 'late' } }, 412)
  await ann.listTasks({ headers: { 'If-None-Match': list } }, 200)
}

async function deleteBoth(ann: Ann, taskId: string, categoryId: string) {
  await ann.deleteCategory({ path: { categoryId } })
  const { body: task, etag } = await ann.getTask({ path: { taskId } })
  expect(task.categoryId).toBeNull()
  await ann.deleteTask({ path: { taskId }, headers: { 'If-Match': etag } })
  await ann.getTask({ path: { taskId } }, 404)
  expect(await listed(ann, {})).toBe('acd')
}

async function erase(ann: Ann, categoryId: string) {
  await ann.deleteUser()
  await ann.getCategory({ path: { categoryId } }, 404)
  expect((await ann.listTasks()).body.items).toEqual([])
}
