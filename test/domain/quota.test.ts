// The quotas of an account are exact to one row, also under concurrent requests.
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type postgres from 'postgres'
import { describe, expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { document } from '../../src/contract/document.ts'
import { createDatabase } from '../../src/database/database.ts'
import { createQuota, quotas } from '../../src/domain/quota.ts'
import { json } from '../faults/crowd.ts'
import { holds, unlessStalled } from '../property/seed.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { test, tokenOf } from '../support/taskspec.ts'

type Noun = keyof typeof quotas

/** Creates an account with `count` rows and the revisions that it would have after as many requests. */
async function fill(sql: postgres.Sql, owner: string, noun: Noun, count: number) {
  await sql`insert into users (id, revision, profile_revision) values (${owner}, ${count}, 1)`
  const columns = noun === 'tasks' ? sql`title, priority, labels` : sql`name, position`
  const values = noun === 'tasks' ? sql`'x', 'none'::task_priority, '{}'::text[]` : sql`'c' || n, 0`
  await sql`
    insert into ${sql(noun)} (owner_id, id, revision, ${columns})
    select ${owner}, lpad(n::text, 32, '0')::uuid, n, ${values}
    from generate_series(1, ${count}::int) as n`
}

test('the quotas are those that the spec states', () => {
  for (const [noun, maxRows] of Object.entries(quotas)) {
    const number = maxRows.toLocaleString('en')
    expect(JSON.stringify(document.info)).toContain(`${number} ${noun}`)
    expect(JSON.stringify(document)).toContain(`An account has at most ${number} ${noun}. Delete some first.`)
  }
})

test('a count of rows that waits for a change of several parts leaves no more room than there is', async ({
  service: { sql, databaseUrl },
  onTestFinished,
}) => {
  const owner = `parts-${randomUUID()}`
  await fill(sql, owner, 'categories', 10)
  const db = createDatabase({ url: parseDatabaseUrl(databaseUrl), poolSize: 1, timeoutFactor: 10 })
  onTestFinished(db.close)
  const batch = await sql.reserve()
  onTestFinished(() => batch.release())
  await batch`begin`
  const [{ pid }] = (await batch`select pg_backend_pid() as pid`) as [{ pid: number }]
  await batch`
    update users set revision = revision + 1, start_revision = start_revision - 5, category_room = category_room - 5 where id = ${owner}`
  await batch`
    insert into categories (owner_id, id, name, position, revision)
    select ${owner}, gen_random_uuid(), 'part ' || n, 0, 11 from generate_series(1, 5) as n`
  const counted = createQuota(db, 'categories').makeRoom(owner, 1)
  await eventually(async () => expect(await sql`select from pg_stat_activity where ${pid} = any(pg_blocking_pids(pid))`).toHaveLength(1))
  await batch`commit`
  await counted
  const [account] = await sql`select (category_room - revision)::integer as room from users where id = ${owner}`
  expect(account?.room).toBeLessThanOrEqual(quotas.categories - 15)
})

test('an account can have as many tasks as the spec says, and can still change a task at the limit', async ({ as, service: { sql } }) => {
  const [ann, bob] = [await as('ann'), await as('bob')]
  await fill(sql, ann.id, 'tasks', quotas.tasks - 2)
  const { body: task } = await ann.createTask({ body: { title: 'last but one' } })
  const path = { taskId: randomUUID() }
  await ann.putTask({ path, body: { title: 'last' } }, 201)

  const { etag } = await ann.listTasks()
  const { body: problem } = await ann.createTask({ body: { title: 'one more' } }, 409)
  expect(problem).toMatchObject({
    type: '/problems/quota-exceeded',
    detail: 'An account has at most 50,000 tasks. Delete some first.',
    errors: [],
  })
  await ann.putTask({ path: { taskId: randomUUID() }, body: { title: 'one more' } }, 409)
  await ann.putTask({ path: { taskId: randomUUID() }, body: { title: 'one more' }, headers: { 'If-None-Match': '*' } }, 409)
  await ann.listTasks({ headers: { 'If-None-Match': etag } }, 304)

  await ann.putTask({ path, body: { title: 'replaced' } }, 200)
  await ann.putTask({ path, body: { title: 'exists' }, headers: { 'If-None-Match': '*' } }, 412)
  await ann.updateTask({ path: { taskId: task.id }, body: { completed: true } })
  await ann.createCategory({ body: { name: 'has its own quota' } })
  await bob.createTask({ body: { title: 'has his own account' } })

  await ann.deleteTask({ path })
  await ann.createTask({ body: { title: 'in its place' } })
  await ann.createTask({ body: { title: 'one more' } }, 409)
  expect(await sql`select from tasks where owner_id = ${ann.id}`).toHaveLength(quotas.tasks)
})

describe('categories', () => {
  const commands = fc.array(
    fc.oneof(
      fc.record({ command: fc.constantFrom('put', 'put', 'put if new', 'delete', 'patch'), number: fc.nat({ max: 7 }) }),
      fc.record({ command: fc.constantFrom('post', 'post together'), number: fc.integer({ min: 1, max: 8 }) }),
    ),
    { minLength: 8, maxLength: 25 },
  )
  const freePlaces = 4
  let accounts = 0

  test('stay within the quota after any sequence of requests, also concurrent ones', async ({ service }) => {
    const { sql, url } = service
    const property = fc.asyncProperty(commands, list =>
      unlessStalled(async () => {
        const id = `full-${accounts++}`
        const ann = client(url, await tokenOf(id))
        await fill(sql, id, 'categories', quotas.categories - freePlaces)
        const existing = new Set<number>()
        let posted = 0
        let name = 0
        const body = () => json({ name: `x${name++}` })
        const room = () => freePlaces - existing.size - posted
        const at = (number: number) => `/v1/users/me/categories/${`${number}`.repeat(8)}-0000-7000-8000-000000000000`

        for (const { command, number } of list) {
          if (command.startsWith('post')) {
            const free = room()
            const count = command === 'post' ? 1 : number
            // A concurrent change raises the revision, and so uses up room that was certain.
            const changes = command === 'post' ? [] : [1, 2, 3].map(() => ann.send('PATCH', '/v1/users/me', json({ name: `${name++}` })))
            const replies = await Promise.all(Array.from({ length: count }, () => ann.send('POST', '/v1/users/me/categories', body())))
            const expected = replies.map((_, i) => (i < free ? 201 : 409))
            expect(replies.map(({ status }) => status).sort()).toEqual(expected)
            posted += Math.min(count, free)
            for (const { status } of await Promise.all(changes)) expect(status).toBe(200)
          } else if (command === 'delete') {
            const { status } = await ann.send('DELETE', at(number))
            expect(status).toBe(existing.delete(number) ? 204 : 404)
          } else if (command === 'patch') {
            const { status } = await ann.send('PATCH', at(number), body())
            expect(status).toBe(existing.has(number) ? 200 : 404)
          } else {
            const { headers, ...rest } = body()
            const sent = { ...rest, headers: { ...headers, ...(command === 'put if new' && { 'if-none-match': '*' }) } }
            const { status } = await ann.send('PUT', at(number), sent)
            const statusOfExisting = command === 'put if new' ? 412 : 200
            expect(status).toBe(existing.has(number) ? statusOfExisting : room() > 0 ? 201 : 409)
            if (status === 201) existing.add(number)
          }
          const [counts] = await sql`
            select count(*)::int as rows, count(*) filter (where c.deleted_at is null)::int as live,
              greatest(u.category_room, u.start_revision + ${quotas.categories}) - u.revision as promised
            from categories c join users u on c.owner_id = u.id
            where u.id = ${id}
            group by u.id`
          expect(counts?.live).toBe(quotas.categories - room())
          expect(counts?.rows).toBeLessThanOrEqual(quotas.categories)
          expect(Number(counts?.promised)).toBeLessThanOrEqual(quotas.categories - counts?.rows)
        }
      }),
    )
    await holds(property, { runs: 12, lanes: 3 })
  })

  test('of four concurrent puts of one id into the last place none is refused', async ({ as, service: { sql } }) => {
    for (let round = 0; round < 5; round++) {
      const ann = await as(`ann-${round}`)
      await fill(sql, ann.id, 'categories', quotas.categories - 1)
      const put = () => ann.send('PUT', '/v1/users/me/categories/019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01', json({ name: 'x' }))
      const replies = await Promise.all([put(), put(), put(), put()])
      expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201])
    }
  })

  test('that were deleted make room for concurrent creations', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    await fill(sql, ann.id, 'categories', quotas.categories)
    await sql`update categories set deleted_at = now() where owner_id = ${ann.id} and revision > ${quotas.categories - 6}`
    const post = (_: unknown, i: number) => ann.send('POST', '/v1/users/me/categories', json({ name: `x${i}` }))
    const replies = await Promise.all(Array.from({ length: 8 }, post))
    expect(replies.map(({ status }) => status).sort()).toEqual([...Array(6).fill(201), 409, 409])
    // The tombstones had the highest revisions of the account.
    const [floor] = await sql`select purged_revision::int as revision from users where id = ${ann.id}`
    expect(floor).toEqual({ revision: quotas.categories })
  })

  test('in one batch are refused for full accounts only', async ({ as, service: { sql } }) => {
    const users = await Promise.all(Array.from({ length: 16 }, (_, i) => as(`user${i}`)))
    for (const [i, { id }] of users.entries()) await fill(sql, id, 'categories', i % 4 === 0 ? quotas.categories : 1)
    const replies = await Promise.all(users.map(user => user.send('POST', '/v1/users/me/categories', json({ name: 'x' }))))
    expect(replies.map(({ status }) => status)).toEqual(users.map((_, i) => (i % 4 === 0 ? 409 : 201)))
  })

  test('are answered with 503 if every attempt loses a race', async ({ as, service: { sql, databaseUrl } }) => {
    const ann = await as('ann')
    await fill(sql, ann.id, 'categories', 1)
    const db = createDatabase({ url: parseDatabaseUrl(databaseUrl), poolSize: 1, timeoutFactor: 10 })
    await expect(createQuota(db, 'categories').within(ann.id, { email: null, name: null }, async () => [])).rejects.toMatchObject({
      kind: 'unavailable',
    })
    await db.close()
  })
})
