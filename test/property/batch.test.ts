// A batch of random operations leaves the account as the operations one by one do.
import fc from 'fast-check'
import { expect } from 'vitest'
import { expectRules } from '../support/account-rules.ts'
import { type Client, client, type Input, type Problem } from '../support/client.ts'
import { operation as declared } from '../support/spec.ts'
import { type Service, test, tokenOf } from '../support/taskspec.ts'
import { holds, unlessStalled } from './seed.ts'

type Operation = NonNullable<Input<'runBatch'>['body']>['operations'][number]
type Result = { status: number; body: unknown }
type User = Client & { id: string }

const idOf = (digit: string) => `${digit.repeat(8)}-0000-7000-8000-000000000000`
const [tasks, categories] = [[...'cdef'].map(idOf), [...'ab'].map(idOf)]
const taskId = fc.constantFrom(...tasks)
const categoryId = fc.constantFrom(...categories)
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.oneof(value, fc.constant(null))
const fields = {
  title: fc.constantFrom('x', 'y', 'z'),
  completed: fc.boolean(),
  parentId: orNull(taskId),
  categoryId: orNull(categoryId),
  dueDate: fc.constantFrom('2527-01-01', null),
  recurrence: fc.constantFrom({ rule: 'FREQ=DAILY' }, null),
}
const task = fc.record(fields, { requiredKeys: ['title'] })
const name = fc.constantFrom('Home', 'home', 'Work', 'Travel')
const inTask = fc.record({ taskId })
const inCategory = fc.record({ categoryId })
const inTrash = fc.record({ itemId: fc.constantFrom(...tasks, ...categories) })
const named = fc.record({ name })

/** An operation from its parts, as often as its weight says. */
const weighted = (weight: number, operationId: Operation['operationId'], parts: Record<string, fc.Arbitrary<unknown>>) => ({
  weight,
  arbitrary: fc.record({ operationId: fc.constant(operationId), ...parts }) as fc.Arbitrary<Operation>,
})
const one = fc.oneof(
  weighted(4, 'createTask', { body: task }),
  weighted(5, 'putTask', { path: inTask, body: task }),
  weighted(5, 'updateTask', { path: inTask, body: fc.record(fields, { requiredKeys: [] }), ifMatch: fc.constantFrom('*', undefined) }),
  weighted(1, 'moveTask', { path: inTask, body: fc.record({ before: orNull(taskId) }) }),
  weighted(1, 'skipTask', { path: inTask }),
  weighted(3, 'deleteTask', { path: inTask }),
  weighted(1, 'createCategory', { body: named }),
  weighted(2, 'putCategory', { path: inCategory, body: named }),
  weighted(1, 'updateCategory', { path: inCategory, body: named }),
  weighted(1, 'deleteCategory', { path: inCategory }),
  weighted(2, 'restoreFromTrash', { path: inTrash }),
)
const list = (maxLength: number) => fc.array(one, { minLength: 1, maxLength, size: 'max' })

let users = 0

test('a batch changes the same as its operations one by one', { timeout: 120_000 }, async ({ service }) => {
  const property = fc.asyncProperty(list(8), list(12), (before, batch) =>
    unlessStalled(async () => {
      const [alone, separate, atomic] = await Promise.all([1, 2, 3].map(() => createUser(service, before)))
      const expected = await oneByOne(alone as User, batch)
      const whole = await stateOf(alone as User)

      const { body } = await (separate as User).runBatch({ body: { operations: batch } }, 200)
      expect(body.results.map(shown)).toEqual(expected.map(shown))
      expect(await stateOf(separate as User)).toEqual(whole)
      await expectAtomic(atomic as User, batch, expected, whole)
      await Promise.all([separate, atomic].map(each => expectRules(service, (each as User).id)))
    }),
  )
  await holds(property, { runs: 60, lanes: 4 }) // every run of the suite has another seed, so they add up

  // The quotas depend on this: an account never has more rows than changes, also where these have one revision.
  const accounts = await service.sql<{ room: number }[]>`
    select (revision - start_revision - (select count(*) from tasks where owner_id = users.id) -
      (select count(*) from categories where owner_id = users.id))::integer as room
    from users`
  expect(accounts.length).toBeGreaterThan(10)
  for (const { room } of accounts) expect(room).toBeGreaterThanOrEqual(0)
})

async function createUser({ url }: Service, before: Operation[]): Promise<User> {
  const id = `batch-${users++}`
  const user = { ...client(url, await tokenOf(id)), id }
  await user.getUser()
  await oneByOne(user, before)
  return user
}

async function oneByOne(user: User, operations: Operation[]): Promise<Result[]> {
  const results: Result[] = []
  for (const { operationId, path = {}, body, ifMatch } of operations) {
    const { method, path: template } = declared(operationId)
    const target = template.replaceAll(/\{(\w+)\}/g, (_, name) => ({ userId: 'me', ...path })[name as 'userId'])
    const headers = { ...(body && { 'content-type': 'application/json' }), ...(ifMatch && { 'if-match': ifMatch }) }
    results.push(await user.send(method, target, { headers, ...(body && { body: JSON.stringify(body) }) }))
  }
  return results
}

async function expectAtomic(user: User, batch: Operation[], expected: Result[], whole: unknown) {
  const failed = expected.findIndex(({ status }) => status >= 400)
  const [before, { etag }] = [await stateOf(user), await user.listTasks()]
  const reply = await user.send('POST', '/v1/users/me/batch', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ atomic: true, operations: batch }),
  })
  if (failed === -1) {
    const { results } = reply.body as { results: (Result & { etag: string | null })[] }
    expect(results.map(shown)).toEqual(expected.map(shown))
    expect(await stateOf(user)).toEqual(whole)
    expect(new Set(results.flatMap(each => each.etag ?? [])).size).toBeLessThanOrEqual(1)
    return
  }
  expect(reply.status).toBe(expected[failed]?.status)
  const { detail, errors } = reply.body as Problem
  if (!detail.startsWith('The request breaks')) expect(detail).toContain(`Operation ${failed} `)
  for (const { pointer } of errors) expect(pointer).toMatch(/^\/operations\/\d+\//)
  expect([await stateOf(user), (await user.listTasks()).etag]).toEqual([before, etag])
}

const shown = ({ status, body }: Result) => [status, status < 300 ? comparable(body ?? null) : null]

/** Everything in the account, in the order of its creation. */
async function stateOf(user: User) {
  const [{ body: all }, { body: named }, { body: trash }] = await Promise.all([
    user.listTasks({ query: { limit: 100, sort: 'createdAt' } }, 200),
    user.listCategories({ query: { limit: 100 } }, 200),
    user.listTrash({ query: { limit: 100 } }, 200),
  ])
  const bySortKey = all.items.toSorted((a, b) => (a.sortKey < b.sortKey ? -1 : 1)).map(({ title }) => title)
  return comparable([all.items, bySortKey, named.items, trash.items])
}

/** Without what differs from account to account: revisions, instants, and what the server makes of them. */
function comparable(value: unknown): unknown {
  const text = JSON.stringify(value, (key, each) => {
    if (['revision', 'createdAt', 'updatedAt', 'completedAt', 'deletedAt', 'expiresAt', 'sortKey'].includes(key))
      return each === null ? null : 'some'
    return /(^id|Id)$/.test(key) && typeof each === 'string' && ![...tasks, ...categories].includes(each) ? 'made' : each
  })
  return JSON.parse(text)
}
