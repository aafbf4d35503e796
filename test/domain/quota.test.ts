// How much an account may have: to the very row, whoever else is at it.
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import type postgres from 'postgres'
import { describe, expect } from 'vitest'
import { document } from '../../src/contract/document.ts'
import { createDatabase } from '../../src/database/database.ts'
import { createQuota, quotas } from '../../src/domain/quota.ts'
import { json } from '../faults/crowd.ts'
import { holds, unlessStalled } from '../property/seed.ts'
import { client } from '../support/client.ts'
import { test, tokenOf } from '../support/taskspec.ts'

type Noun = keyof typeof quotas

/** An account with so many rows, as if a request had made each. */
async function fill(sql: postgres.Sql, owner: string, noun: Noun, count: number) {
  await sql`insert into users (id, revision, profile_revision) values (${owner}, ${count}, 1)`
  const columns = noun === 'tasks' ? sql`title, priority, labels` : sql`name, position`
  const values = noun === 'tasks' ? sql`'x', 'none'::task_priority, '{}'::text[]` : sql`'c' || n, 0`
  await sql`
    insert into ${sql(noun)} (owner_id, id, revision, ${columns})
    select ${owner}, lpad(n::text, 32, '0')::uuid, n, ${values}
    from generate_series(1, ${count}::int) as n`
}

test('the numbers are those that people read', () => {
  for (const [noun, most] of Object.entries(quotas)) {
    const number = most.toLocaleString('en')
    expect(JSON.stringify(document.info)).toContain(`${number} ${noun}`)
    expect(JSON.stringify(document)).toContain(`An account has at most ${number} ${noun}. Delete some first.`)
  }
})

test('of tasks an account has as many as the spec says, and then goes on with those', async ({ as, service: { sql } }) => {
  const [ann, bob] = [await as('ann'), await as('bob')]
  await fill(sql, ann.id, 'tasks', quotas.tasks - 2)
  const { body: task } = await ann.createTask({ body: { title: 'last but one' } })
  const path = { taskId: randomUUID() }
  await ann.putTask({ path, body: { title: 'last' } }, 201)

  const { etag } = await ann.listTasks()
  const { body: problem } = await ann.createTask({ body: { title: 'one more' } }, 409)
  expect(problem).toMatchObject({ type: '/problems/quota-exceeded', detail: expect.stringContaining('50,000 tasks'), errors: [] })
  await ann.putTask({ path: { taskId: randomUUID() }, body: { title: 'one more' } }, 409)
  await ann.putTask({ path: { taskId: randomUUID() }, body: { title: 'one more' }, headers: { 'If-None-Match': '*' } }, 409)
  await ann.listTasks({ headers: { 'If-None-Match': etag } }, 304)

  await ann.putTask({ path, body: { title: 'replaced' } }, 200)
  await ann.putTask({ path, body: { title: 'taken' }, headers: { 'If-None-Match': '*' } }, 412)
  await ann.updateTask({ path: { taskId: task.id }, body: { completed: true } })
  await ann.createCategory({ body: { name: 'has a number of its own' } })
  await bob.createTask({ body: { title: 'has an account of his own' } })

  await ann.deleteTask({ path })
  await ann.createTask({ body: { title: 'in its place' } })
  await ann.createTask({ body: { title: 'one more' } }, 409)
  expect(await sql`select from tasks where owner_id = ${ann.id}`).toHaveLength(quotas.tasks)
})

describe('categories', () => {
  const commands = fc.array(
    fc.oneof(
      fc.record({ do: fc.constantFrom('put', 'put', 'put if new', 'delete', 'patch'), which: fc.nat({ max: 7 }) }),
      fc.record({ do: fc.constantFrom('post', 'post together'), which: fc.integer({ min: 1, max: 8 }) }),
    ),
    { minLength: 8, maxLength: 25 },
  )
  const few = 4
  let people = 0

  test('are as many as the account may have after any requests whatever, also at once', { timeout: 90_000 }, async ({ service }) => {
    const { sql, url } = service
    const property = fc.asyncProperty(commands, list =>
      unlessStalled(async () => {
        const id = `full-${people++}`
        const ann = client(url, await tokenOf(id))
        await fill(sql, id, 'categories', quotas.categories - few)
        const there = new Set<number>()
        let others = 0
        let name = 0
        const body = () => json({ name: `x${name++}` })
        const room = () => few - there.size - others
        const at = (which: number) => `/v1/users/me/categories/${`${which}`.repeat(8)}-0000-7000-8000-000000000000`

        for (const { do: what, which } of list) {
          if (what.startsWith('post')) {
            const free = room()
            const count = what === 'post' ? 1 : which
            // Whoever changes something meanwhile uses up what was certain.
            const changes = what === 'post' ? [] : [1, 2, 3].map(() => ann.send('PATCH', '/v1/users/me', json({ name: `${name++}` })))
            const made = await Promise.all(Array.from({ length: count }, () => ann.send('POST', '/v1/users/me/categories', body())))
            const expected = made.map((_, i) => (i < free ? 201 : 409))
            expect(made.map(({ status }) => status).sort()).toEqual(expected)
            others += Math.min(count, free)
            for (const { status } of await Promise.all(changes)) expect(status).toBe(200)
          } else if (what === 'delete') {
            const { status } = await ann.send('DELETE', at(which))
            expect(status).toBe(there.delete(which) ? 204 : 404)
          } else if (what === 'patch') {
            const { status } = await ann.send('PATCH', at(which), body())
            expect(status).toBe(there.has(which) ? 200 : 404)
          } else {
            const { headers, ...rest } = body()
            const sent = { ...rest, headers: { ...headers, ...(what === 'put if new' && { 'if-none-match': '*' }) } }
            const { status } = await ann.send('PUT', at(which), sent)
            const taken = what === 'put if new' ? 412 : 200
            expect(status).toBe(there.has(which) ? taken : room() > 0 ? 201 : 409)
            if (status === 201) there.add(which)
          }
          const [kept] = await sql`
            select count(*)::int as rows, count(*) filter (where c.deleted_at is null)::int as live,
              greatest(u.category_room, u.start_revision + ${quotas.categories}) - u.revision as promised
            from categories c join users u on c.owner_id = u.id
            where u.id = ${id}
            group by u.id`
          expect(kept?.live).toBe(quotas.categories - room())
          expect(kept?.rows).toBeLessThanOrEqual(quotas.categories)
          expect(Number(kept?.promised)).toBeLessThanOrEqual(quotas.categories - kept?.rows)
        }
      }),
    )
    await holds(property, { runs: 24, lanes: 3 })
  })

  test('of two who put the same one into the last place, none is refused', async ({ as, service: { sql } }) => {
    for (let round = 0; round < 5; round++) {
      const ann = await as(`ann-${round}`)
      await fill(sql, ann.id, 'categories', quotas.categories - 1)
      const put = () => ann.send('PUT', '/v1/users/me/categories/019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01', json({ name: 'x' }))
      const answers = await Promise.all([put(), put(), put(), put()])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 201])
    }
  })

  test('that were deleted make room for many who come at once', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    await fill(sql, ann.id, 'categories', quotas.categories)
    await sql`update categories set deleted_at = now() where owner_id = ${ann.id} and revision > ${quotas.categories - 6}`
    const post = (_: unknown, i: number) => ann.send('POST', '/v1/users/me/categories', json({ name: `x${i}` }))
    const answers = await Promise.all(Array.from({ length: 8 }, post))
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(6).fill(201), 409, 409])
  })

  test('in a statement of many refuse who is full and nobody else', async ({ as, service: { sql } }) => {
    const people = await Promise.all(Array.from({ length: 16 }, (_, i) => as(`person${i}`)))
    for (const [i, { id }] of people.entries()) await fill(sql, id, 'categories', i % 4 === 0 ? quotas.categories : 1)
    const answers = await Promise.all(people.map(person => person.send('POST', '/v1/users/me/categories', json({ name: 'x' }))))
    expect(answers.map(({ status }) => status)).toEqual(people.map((_, i) => (i % 4 === 0 ? 409 : 201)))
  })

  test('who never gets a turn is told to come again', async ({ as, service: { sql, databaseUrl } }) => {
    const ann = await as('ann')
    await fill(sql, ann.id, 'categories', 1)
    const db = createDatabase({ url: databaseUrl, poolSize: 1 })
    await expect(createQuota(db, 'categories').within(ann.id, async () => [])).rejects.toMatchObject({ kind: 'unavailable' })
    await db.close()
  })
})
