// Readers of the changes, at random cursors, while many writers change, delete, purge and erase: each copy ends equal to the account.
import fc from 'fast-check'
import { expect } from 'vitest'
import { json } from '../faults/crowd.ts'
import { type Ann, applied, type Kept, type Page, shown, sorted } from '../support/changes.ts'
import { test } from '../support/taskspec.ts'
import { seed } from './seed.ts'

const writers = 50
const actionsEach = 12
const readers = 6
const maxKept = 12

const idOf = (number: number, kind: string) => `${String(number).padStart(8, '0')}-${kind}-7000-8000-000000000000`
const [taskIds, categoryIds] = [24, 5].map((count, kind) => Array.from({ length: count }, (_, number) => idOf(number, `000${kind}`)))
const taskId = fc.constantFrom(...(taskIds as string[]))
const categoryId = fc.constantFrom(...(categoryIds as string[]))
const title = fc.constantFrom('x', 'y', 'z')
const task = fc.record({ title, categoryId: fc.option(categoryId), parentId: fc.option(taskId), completed: fc.boolean() })
const put = fc.record({ operationId: fc.constant('putTask'), path: fc.record({ taskId }), body: fc.record({ title }) })

const action = (
  weight: number,
  method: string,
  path: fc.Arbitrary<string>,
  body: fc.Arbitrary<object | undefined> = fc.constant(undefined),
) => ({
  weight,
  arbitrary: fc.tuple(fc.constant(method), path, body),
})
const at = (path: string, id?: fc.Arbitrary<string>) => (id === undefined ? fc.constant(path) : id.map(each => `${path}/${each}`))
const actions = fc.oneof(
  action(20, 'PUT', at('/tasks', taskId), task),
  action(12, 'PATCH', at('/tasks', taskId), fc.record({ title, completed: fc.boolean() }, { requiredKeys: [] })),
  action(14, 'DELETE', at('/tasks', taskId)),
  action(6, 'POST', at('/tasks'), fc.record({ title })),
  action(8, 'PUT', at('/categories', categoryId), fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd') })),
  action(5, 'DELETE', at('/categories', categoryId)),
  action(5, 'POST', at('/batch'), fc.record({ atomic: fc.boolean(), operations: fc.array(put, { minLength: 2, maxLength: 9 }) })),
  action(
    6,
    'POST',
    taskId.map(id => `/trash/${id}/restore`),
  ),
  action(3, 'DELETE', at('/trash')),
  action(3, 'DELETE', at('/trash', taskId)),
  action(4, 'PATCH', at(''), fc.record({ name: title })),
  action(3, 'POST', at('/calendars'), fc.record({ name: title })),
  action(1, 'DELETE', at('')),
)
const refusals = [404, 409, 422, 503] // what is not there, loses a race, or is in a place that cannot be

test.for([0, 1, 2])('each copy ends equal to the account, with the seed %i', async (offset, { as }) => {
  const ann = await as('ann')
  const script = fc.sample(actions, { seed: seed + offset, numRuns: writers * actionsEach })
  const numbers = fc.sample(fc.nat(), { seed: seed + offset, numRuns: 10_000 })
  const count = { expired: 0, tombstones: 0, partial: 0 }
  let isWriting = true

  const write = async (writer: number) => {
    for (const [method, path, body] of script.slice(writer * actionsEach, (writer + 1) * actionsEach)) {
      const { status } = await ann.send(method, `/v1/users/me${path}`, body && json(body))
      if (status >= 300) expect(refusals, `${method} ${path}`).toContain(status)
    }
  }
  const random = (below: number) => (numbers.pop() ?? 0) % below
  const read = async (kept: Kept[]) => {
    while (isWriting) {
      kept.push(await step(kept[random(kept.length)] as Kept))
      if (kept.length > maxKept) kept.splice(random(maxKept), 1)
    }
  }
  const step = async (from: Kept, limit = 1 + random(random(2) === 0 ? 5 : 100)): Promise<Kept> => {
    const cursor = from.cursor === undefined ? '' : `&cursor=${from.cursor}`
    const { status, body } = await ann.send('GET', `/v1/users/me/changes?limit=${limit}${cursor}`)
    if (status === 503) return from
    if (status === 410) count.expired++
    if (status === 410) return { copy: new Map() }
    expect(status).toBe(200)
    const { items, groupComplete } = body as Page
    count.tombstones += items.filter(({ deletedAt }) => deletedAt !== null).length
    count.partial += groupComplete ? 0 : 1
    return applied(from, body as Page)
  }

  const kept = Array.from({ length: readers }, (): Kept[] => [{ copy: new Map() }])
  const reading = kept.map(read)
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer))).finally(() => {
    isWriting = false
  })
  await Promise.all(reading)

  const account = sorted(await shown(ann))
  for (const each of kept.flat()) expect(sorted((await followed(ann, each)).copy)).toEqual(account)

  // The script need not have led to each kind of page.
  const before = await followed(ann, { copy: new Map() })
  const operations = [0, 1, 2].map(number => ({ operationId: 'putTask', path: { taskId: idOf(number, '0009') }, body: { title: 'x' } }))
  expect(await ann.send('POST', '/v1/users/me/batch', json({ atomic: true, operations }))).toMatchObject({ status: 200 })
  const inside = await step(before, 1)
  expect(await ann.send('DELETE', `/v1/users/me/tasks/${idOf(1, '0009')}`)).toMatchObject({ status: 204 })
  await step(inside, 100)
  expect(await ann.send('DELETE', '/v1/users/me/trash')).toMatchObject({ status: 204 })
  await step(inside, 100)
  for (const [name, times] of Object.entries(count)) expect(times, name).toBeGreaterThan(0)
})

/** The copy of a reader that goes on from there, or from the snapshot, until there is no more. */
async function followed(ann: Ann, from: Kept): Promise<Kept> {
  const { status, body } = await ann.send(
    'GET',
    `/v1/users/me/changes?limit=100${from.cursor === undefined ? '' : `&cursor=${from.cursor}`}`,
  )
  if (status === 410) return followed(ann, { copy: new Map() })
  expect(status).toBe(200)
  const next = applied(from, body as Page)
  return (body as Page).hasMore ? followed(ann, next) : next
}
