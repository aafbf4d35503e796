// Requests with an Idempotency-Key take effect once.
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { cases } from '../support/checks.ts'
import type { Client } from '../support/client.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { lockWaits } from '../support/lock.ts'
import { type Service, start, test, tokenOf } from '../support/taskspec.ts'

type User = Client & { id: string }

const keyed = (key: string) => ({ headers: { 'Idempotency-Key': key } })
const replayed = ({ headers }: { headers: Headers }) => headers.get('idempotency-replayed')
const reused = [{ pointer: '/idempotency-key', location: 'header', code: 'keyReused' }]

/** A task in the trash. */
async function deleted(user: User, title = 'deleted'): Promise<string> {
  const { body } = await user.createTask({ body: { title } })
  await user.deleteTask({ path: { taskId: body.id } })
  return body.id
}

const titles = async (user: User) => (await user.listTasks()).body.items.map(({ title }) => title).sort()

test('a repeated creation replies with the same resource as it is now', async ({ as }) => {
  const ann = await as('ann')
  const input = { body: { title: 'once', labels: ['a'] }, ...keyed('"key-1"') }
  const first = await ann.createTask(input)
  expect([replayed(first), first.body.id[14]]).toEqual([null, '8'])
  const again = await ann.createTask(input)
  expect([replayed(again), again.body, again.etag]).toEqual(['true', first.body, first.etag])
  expect(again.headers.get('location')).toBe(first.headers.get('location'))

  const { body: changed } = await ann.updateTask({ path: { taskId: first.body.id }, body: { title: 'later' } })
  const bare = await ann.createTask({ body: { labels: ['a'], priority: 'none', title: 'once', dueDate: null }, ...keyed('key-1') })
  expect([replayed(bare), bare.body]).toEqual(['true', changed])
  expect(await titles(ann)).toEqual(['later'])

  const category = { body: { name: 'Home' }, ...keyed('key-1') }
  const { body: made } = await ann.createCategory(category)
  expect((await ann.createCategory(category)).body).toEqual(made)
})

test('a key belongs to one request, one operation and one user', async ({ as }) => {
  const [ann, bob] = [await as('ann'), await as('bob')]
  const { body: task } = await ann.createTask({ body: { title: 'Home' }, ...keyed('shared') })
  const { body: problem } = await ann.createTask({ body: { title: 'Home', priority: 'low' }, ...keyed('shared') }, 422)
  expect(problem.errors).toMatchObject(reused)
  const { body: other } = await bob.createTask({ body: { title: 'Home' }, ...keyed('shared') })
  const { body: category } = await ann.createCategory({ body: { name: 'Home' }, ...keyed('shared') })
  const itemId = await deleted(ann)
  await ann.restoreFromTrash({ path: { itemId }, ...keyed('shared') })
  expect(new Set([task.id, other.id, category.id]).size).toBe(3)
  expect((await ann.createTask({ body: { title: 'Home' }, ...keyed('shared') })).body).toEqual(task)
})

test('what a key has created and is deleted is not created again', async ({ as }) => {
  const ann = await as('ann')
  const input = { body: { title: 'Umbrella' }, ...keyed('gone') }
  const { body: task } = await ann.createTask(input)
  await ann.deleteTask({ path: { taskId: task.id } })
  const { body: problem } = await ann.createTask(input, 409)
  expect(problem).toMatchObject({ type: '/problems/conflict', errors: [{ pointer: '/idempotency-key', code: 'deleted' }] })
  await ann.restoreFromTrash({ path: { itemId: task.id } })
  expect((await ann.createTask(input)).body.id).toBe(task.id)

  await ann.deleteTask({ path: { taskId: task.id } })
  await ann.putTask({ path: { taskId: task.id }, body: { title: 'Umbrella' } })
  expect((await ann.createTask(input, 422)).body.errors).toMatchObject(reused)
})

test('a row that PUT has made under the id of a key belongs to another request', async ({ as }) => {
  const [ann, bob] = [await as('ann'), await as('bob')]
  const input = { body: { title: 'a' }, ...keyed('put') }
  const { body } = await ann.createTask(input)
  await bob.putTask({ path: { taskId: body.id }, body: { title: 'a' } })
  expect((await bob.createTask(input)).body.id).not.toBe(body.id)
  await ann.deleteTask({ path: { taskId: body.id } })
  await ann.purgeFromTrash({ path: { itemId: body.id } })
  await ann.putTask({ path: { taskId: body.id }, body: { title: 'a' } })
  expect((await ann.createTask(input, 422)).body.errors).toMatchObject(reused)
})

test('a repeated creation is not refused for what has changed since', async ({ as }) => {
  const ann = await as('ann')
  const { body: parent } = await ann.createTask({ body: { title: 'parent' } })
  const { etag } = await ann.listTasks()
  const child = {
    body: { title: 'child', parentId: parent.id },
    headers: { 'Idempotency-Key': 'child', 'If-Match': etag },
  }
  const { body } = await ann.createTask(child)
  expect(replayed(await ann.createTask(child))).toBe('true')
  await ann.updateTask({ path: { taskId: body.id }, body: { parentId: null } })
  await ann.deleteTask({ path: { taskId: parent.id } })
  expect((await ann.createTask(child)).body.id).toBe(body.id)
  await ann.createTask({ ...child, ...keyed('other') }, 422)
  await ann.createTask({ body: { title: 'x' }, headers: { ...child.headers, 'Idempotency-Key': 'another' } }, 412)

  const category = { body: { name: 'Work' }, headers: { 'Idempotency-Key': 'work', 'If-None-Match': '"1"' } }
  const first = await ann.createCategory(category)
  expect((await ann.createCategory(category)).body).toEqual(first.body)
  await ann.createCategory({ ...category, ...keyed('other') }, 409)
})

test('a request that was refused may be corrected under its key', async ({ as, service }) => {
  const ann = await as('ann')
  await ann.createCategory({ body: { name: 'Taken' } })
  await ann.createCategory({ body: { name: 'Taken' }, ...keyed('correct') }, 409)
  await ann.createCategory({ body: { name: 'Free' }, ...keyed('correct') })

  const itemId = await deleted(ann)
  await ann.restoreFromTrash({ path: { itemId: randomUUID() }, ...keyed('correct') }, 404)
  expect(await service.sql`select from idempotency_keys where owner_id = ${ann.id}`).toHaveLength(0)
  expect(replayed(await ann.restoreFromTrash({ path: { itemId }, ...keyed('correct') }))).toBe(null)
})

test('a full account creates nothing, and still repeats what it has created', async ({ as, service }) => {
  const ann = await as('ann')
  const input = (name: string) => ({ body: { name }, ...keyed(name) })
  const { body } = await ann.createCategory(input('first'))
  await service.sql`
    insert into categories (owner_id, id, name, position, revision)
    select ${ann.id}, gen_random_uuid(), 'c' || i, 0, 1 from generate_series(1, 999) as i`
  await service.sql`update users set revision = revision + 1000 where id = ${ann.id}`
  expect((await ann.createCategory(input('second'), 409)).body.type).toBe('/problems/quota-exceeded')
  expect((await ann.createCategory(input('first'))).body).toEqual(body)
  await service.sql`delete from categories where owner_id = ${ann.id} and name like 'c_'`
  expect(replayed(await ann.createCategory(input('second')))).toBe(null)
})

test('a reply that is no creation is repeated byte by byte, also when everything has changed', async ({ as, service }) => {
  const ann = await as('ann')
  const itemId = await deleted(ann, 'Ä "quoted" \\ 😀')
  const path = `/v1/users/me/trash/${itemId}/restore`
  const headers = { authorization: `Bearer ${await tokenOf(ann.id)}`, 'idempotency-key': 'bytes' }
  const post = async (of = path) => {
    const response = await fetch(service.url + of, { method: 'POST', headers })
    return { status: response.status, etag: response.headers.get('etag'), text: await response.text(), replayed: replayed(response) }
  }
  const first = await post()
  expect(first).toMatchObject({ status: 200, replayed: null })
  await ann.deleteTask({ path: { taskId: itemId } })
  await ann.emptyTrash()
  expect(await post()).toEqual({ ...first, replayed: 'true' })
  expect(await post(path.replace('/me/', `/${ann.id}/`))).toEqual({ ...first, replayed: 'true' })
  const stale = { 'If-Match': '"1"', 'Idempotency-Key': 'bytes' }
  expect(replayed(await ann.restoreFromTrash({ path: { itemId }, headers: stale }))).toBe('true')
  const { body } = await ann.restoreFromTrash({ path: { itemId: randomUUID() }, ...keyed('bytes') }, 422)
  expect(body.errors).toMatchObject(reused)
})

test('a repeated skip moves a recurring task once', async ({ as }) => {
  const ann = await as('ann')
  const recurrence = { rule: 'FREQ=DAILY', from: 'due' } as const
  const { body: task } = await ann.createTask({ body: { title: 'daily', dueDate: '2027-03-01', recurrence } })
  const move = () => ann.skipTask({ path: { taskId: task.id }, ...keyed('skip') })
  const first = await move()
  const again = await move()
  expect([replayed(first), replayed(again), again.body, again.etag]).toEqual([null, 'true', first.body, first.etag])
  expect((await ann.getTask({ path: { taskId: task.id } })).body).toEqual(first.body)
})

/** Requests that store their reply, each as a function that sends it with the same key. */
const kept = {
  async restoreFromTrash(ann: User) {
    const path = { itemId: await deleted(ann) }
    return (status?: 409) => ann.restoreFromTrash({ path, ...keyed('flight') }, status)
  },
  async rotateWebhookSecret(ann: User) {
    const path = { webhookId: (await ann.createWebhook({ body: { url: 'https://example.com/hook' } })).body.id }
    return (status?: 409) => ann.rotateWebhookSecret({ path, ...keyed('flight') }, status)
  },
}

test.for(cases(Object.entries(kept)))(
  'while the first %s is in flight, a repeated one is a 409 and does not wait',
  async ([, make], { as, service }) => {
    const ann = await as('ann')
    const send = await make(ann)
    const holder = await service.sql.reserve()
    await holder`begin`
    await holder`select from users where id = ${ann.id} for no key update`
    const first = send()
    try {
      await eventually(async () => {
        const waiting = await lockWaits(service.sql)
        expect(waiting).toHaveLength(1)
      })
      const { body, headers } = await send(409)
      expect([(body as { type?: string }).type, headers.get('retry-after')]).toEqual(['/problems/in-flight', '1'])
    } finally {
      await holder`rollback`
      holder.release()
    }
    expect(replayed(await first)).toBe(null)
    const again = await send()
    expect([replayed(again), again.body]).toEqual(['true', (await first).body])
  },
)

test('a hundred simultaneous requests with one key take effect once', async ({ as }) => {
  const ann = await as('ann')
  const body = JSON.stringify({ title: 'one' })
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'many' }
  const created = await Promise.all(Array.from({ length: 100 }, () => ann.send('POST', '/v1/users/me/tasks', { body, headers })))
  expect(created.map(({ status }) => status)).toEqual(Array(100).fill(201))
  expect(created.filter(answer => replayed(answer) === null)).toHaveLength(1)
  expect(await titles(ann)).toEqual(['one'])

  const itemId = await deleted(ann)
  const before = (await ann.listTasks()).etag
  const restored = await Promise.all(
    Array.from({ length: 100 }, () => ann.send('POST', `/v1/users/me/trash/${itemId}/restore`, { headers: { 'idempotency-key': 'many' } })),
  )
  const done = restored.filter(({ status }) => status === 200)
  expect(restored.every(({ status }) => [200, 409, 503].includes(status))).toBe(true)
  expect(done.filter(answer => replayed(answer) === null)).toHaveLength(1)
  const revision = (etag: string) => Number(etag.slice(1, -1))
  expect(revision((await ann.listTasks()).etag)).toBe(revision(before) + 1)
})

test.for(['', '""', '"a', 'a"', 'a b', '"a b"', 'a,b', 'a;b=c', '"a";b', `"${'a'.repeat(256)}"`, 'a'.repeat(256), '"a\\b"'])(
  'the key %o is malformed',
  async (key, { as }) => {
    const ann = await as('ann')
    for (const operation of ['createTask', 'createCategory'] as const) {
      const { body } = await ann[operation]({ body: { title: 'a', name: 'a' } as never, ...keyed(key) }, 422)
      expect(body.errors[0]).toMatchObject({ pointer: '/idempotency-key', location: 'header' })
    }
    await ann.restoreFromTrash({ path: { itemId: randomUUID() }, ...keyed(key) }, 422)
  },
)

test('quoted and bare spellings of a key are the same', async ({ as }) => {
  const ann = await as('ann')
  const longest = 'a'.repeat(255)
  for (const [quoted, other] of [
    [`"${longest}"`, longest],
    ['"a:b/c=d~"', 'a:b/c=d~'],
    ['"a\\\\\\"b"', '"a\\\\\\"b"'],
  ] as const) {
    const input = { body: { title: quoted.slice(0, 10) } }
    const { body } = await ann.createTask({ ...input, ...keyed(quoted) })
    expect((await ann.createTask({ ...input, ...keyed(other) })).body).toEqual(body)
  }
})

test('every repeated request counts against the rate limit', async ({ service, onTestFinished }) => {
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, limits: { perMinute: 2, shared: false } })
  onTestFinished(stop)
  const ann = client(url, await tokenOf('limited'))
  const input = { body: { title: 'a' }, ...keyed('limited') }
  for (const expected of [null, 'true']) expect(replayed(await ann.createTask(input))).toBe(expected)
  await ann.createTask(input, 429)
})

test('replies are kept for 24 hours, and go with the account', async ({ as, service, onTestFinished }) => {
  const [ann, bob] = [await as('ann'), await as('bob')]
  const restore = async (user: User, key: string) => {
    const itemId = await deleted(user)
    await user.restoreFromTrash({ path: { itemId }, ...keyed(key) })
    return () => user.restoreFromTrash({ path: { itemId }, ...keyed(key) })
  }
  await restore(ann, 'old')
  const young = await restore(ann, 'young')
  const erased = await restore(bob, 'erased')
  const { sql } = service
  await sql`update idempotency_keys set created_at = now() - interval '24 hours 1 second' where owner_id = ${ann.id}`
  await sql`
    update idempotency_keys set created_at = now() - interval '23 hours 59 minutes'
    where owner_id = ${ann.id} and key_hash = sha256('young')`
  const { stop } = await start({ databaseUrl: service.databaseUrl, timeouts: { purgeMs: 5, databaseFactor: 10 } })
  onTestFinished(stop)
  const count = async ({ id }: User) => (await sql`select from idempotency_keys where owner_id = ${id}`).length
  await eventually(async () => expect(await count(ann)).toBe(1))
  expect(replayed(await young())).toBe('true')

  expect(replayed(await erased())).toBe('true')
  await bob.deleteUser()
  expect(await count(bob)).toBe(0)
  await expect(erased()).rejects.toThrow('404')
})

test('only the database knows replies: keys are stored as hashes, and no other user gets them', async ({ as, service }) => {
  const [ann, bob] = [await as('ann'), await as('bob')]
  const itemId = await deleted(ann)
  await ann.restoreFromTrash({ path: { itemId }, ...keyed('mine') })
  await bob.restoreFromTrash({ path: { itemId }, ...keyed('mine') }, 404)
  await bob.restoreFromTrash({ path: { itemId, userId: ann.id }, ...keyed('mine') }, 403)
  const [row] = await (service as Service).sql`
    select key_hash = sha256('mine') as hashed, status from idempotency_keys where owner_id = ${ann.id}`
  expect(row).toEqual({ hashed: true, status: 200 })
})

test('pages of other origins may send the key and read whether the reply is repeated', async ({ service }) => {
  const origin = 'http://localhost:5173'
  const preflight = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'idempotency-key' }
  const url = `${service.url}/v1/users/me/tasks`
  const allowed = await fetch(url, { method: 'OPTIONS', headers: preflight })
  expect(allowed.headers.get('access-control-allow-headers')).toBe('idempotency-key')
  const exposed = (await fetch(url, { headers: { origin } })).headers.get('access-control-expose-headers')
  expect(exposed?.split(',')).toEqual(expect.arrayContaining(['Idempotency-Replayed', 'Retry-After']))
})

test.for([false, true])('a repeated batch replies with the same bytes, also of what was refused: atomic %s', async (atomic, { as }) => {
  const ann = await as('ann')
  const create = { operationId: 'createTask' as const, body: { title: 'a' } }
  const others = atomic ? [] : [{ operationId: 'createTask' as const, body: { title: 'b', categoryId: randomUUID() } }]
  const input = { body: { atomic, operations: [create, create, ...others, create] }, ...keyed('batch') }
  const first = await ann.runBatch(input)
  expect(first.body.results.map(({ status }) => status)).toEqual(atomic ? [201, 201, 201] : [201, 201, 422, 201])
  const again = await ann.runBatch(input)
  expect([replayed(first), replayed(again), again.body]).toEqual([null, 'true', first.body])
  expect(await titles(ann)).toEqual(['a', 'a', 'a'])
})

test('the reply to a batch of the longest texts is stored', async ({ as }) => {
  const ann = await as('ann')
  const { body: task } = await ann.createTask({ body: { title: 'a', description: '\u0001'.repeat(10_000) } })
  const update = { operationId: 'updateTask' as const, path: { taskId: task.id }, body: { completed: true } }
  const input = { body: { operations: Array(200).fill(update) }, ...keyed('long') }
  const first = await ann.runBatch(input)
  expect(JSON.stringify(first.body).length).toBeGreaterThan(11 * 2 ** 20)
  expect((await ann.runBatch(input)).body).toEqual(first.body)
})
