// Changes that go together: each is made as if it were alone.
import { expect } from 'vitest'
import { database } from '../../src/database/database.ts'
import { sql } from '../../src/database/sql.ts'
import { account } from '../../src/domain/revision.ts'
import { json } from '../faults/crowd.ts'
import { test } from '../support/taskspec.ts'

test('of many who change something at once each changes their own', async ({ as }) => {
  const people = await Promise.all(Array.from({ length: 40 }, (_, i) => as(`person${i}`)))
  await Promise.all(people.map(person => person.getUser()))
  const made = await Promise.all(people.map(person => person.createTask({ body: { title: `of ${person.id}`, labels: [person.id] } })))
  expect(made.map(({ body }) => [body.title, body.labels, body.revision])).toEqual(people.map(({ id }) => [`of ${id}`, [id], 2]))
  const path = (i: number) => ({ taskId: made[i % 40]?.body.id as string })

  const [changed, strange] = await Promise.all([
    Promise.all(people.map((person, i) => person.updateTask({ path: path(i), body: { description: person.id, dueDate: '2027-03-01' } }))),
    Promise.all(people.map((person, i) => person.updateTask({ path: path(i + 1), body: { title: 'mine' } }, 404))),
  ])
  expect(strange).toHaveLength(40)
  expect(changed.map(({ body }) => body)).toEqual(
    made.map(({ body }, i) => ({
      ...body,
      description: people[i]?.id,
      dueDate: '2027-03-01',
      revision: 3,
      updatedAt: expect.any(String),
    })),
  )
  const lists = await Promise.all(people.map(person => person.listTasks()))
  expect(lists.map(({ body }) => body.items)).toEqual(changed.map(({ body }) => [body]))

  await Promise.all(people.map((person, i) => person.deleteTask({ path: path(i) })))
  for (const person of people) expect((await person.listTasks()).body.items).toEqual([])
})

test('of one person each change counts, however many come at once', async ({ as }) => {
  const [ann, bob] = [await as('ann'), await as('bob')]
  const [tasks] = await Promise.all([
    Promise.all(Array.from({ length: 25 }, (_, i) => ann.createTask({ body: { title: String(i) } }))),
    Promise.all(Array.from({ length: 25 }, (_, i) => bob.createTask({ body: { title: String(i) } }))),
  ])
  expect(tasks.map(({ body }) => body.revision).sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1))
})

test('of several under one ETag one wins, whoever else is there', async ({ as }) => {
  const people = await Promise.all(['ann', 'bob', 'eve'].map(name => as(name)))
  const tasks = await Promise.all(people.map(async person => (await person.createTask({ body: { title: 'a' } })).body))
  const answers = await Promise.all(
    people.flatMap((person, i) =>
      Array.from({ length: 8 }, (_, number) => {
        const { body, headers } = json({ title: String(number) })
        return person.send('PATCH', `/v1/users/me/tasks/${tasks[i]?.id}`, { body, headers: { ...headers, 'if-match': '"1"' } })
      }),
    ),
  )
  for (const i of [0, 1, 2])
    expect(
      answers
        .slice(i * 8, i * 8 + 8)
        .map(({ status }) => status)
        .sort(),
    ).toEqual([200, ...Array(7).fill(412)])
})

test('what comes in one moment is one statement, up to sixteen; who is new goes alone', async ({ service }) => {
  const sent: string[] = []
  const db = database({ url: service.databaseUrl, poolSize: 4, observe: text => sent.push(text) })
  const { opening, opened, opener } = account(db)
  const open = db.change(opening)<{ next: number }>`${opened(sql`true`)} 
    select owner_id as owner, next
    from change`
  const people = Array.from({ length: 40 }, (_, i) => opener(`together${i}`, { email: null, name: null }))

  expect(await Promise.all(people.map(open))).toEqual(people.map(() => [{ next: 1 }]))
  sent.length = 0
  expect(await Promise.all(people.map(open))).toEqual(people.map(() => [{ next: 2 }]))
  expect(sent).toHaveLength(3)
  sent.length = 0
  expect(await open(people[0] as (typeof people)[0])).toEqual([{ next: 3 }])
  expect(sent).toHaveLength(1)
  await db.close()
})

test("a row of somebody else is nobody's", async ({ service }) => {
  const db = database({ url: service.databaseUrl, poolSize: 4 })
  const { opening, opened, opener } = account(db)
  const stray = db.change(opening)`${opened(sql`true`)} select 'eve' as owner from change`
  const people = ['stray1', 'stray2'].map(name => opener(name, { email: null, name: null }))
  for (const person of people) await stray(person)
  for (const answer of await Promise.allSettled(people.map(stray)))
    expect(answer).toMatchObject({ status: 'rejected', reason: { message: 'a row is of nobody who asked' } })
  await db.close()
})

test('nobody waits for the lock of another', async ({ service: { sql, log }, as }) => {
  const [ann, ...others] = await Promise.all(Array.from({ length: 10 }, (_, i) => as(`locked${i}`)))
  await Promise.all([ann, ...others].map(person => person?.getUser()))
  const holder = await sql.reserve()
  await holder`begin`
  await holder`select from users where id = ${ann?.id as string} for update`

  let answered = false
  const slow = ann?.send('POST', '/v1/users/me/tasks', json({ title: 'a' })).finally(() => {
    answered = true
  })
  const made = await Promise.all(others.map(person => person.createTask({ body: { title: 'b' } })))
  expect(made.map(({ body }) => body.revision)).toEqual(others.map(() => 2))
  expect(answered).toBe(false)

  await holder`rollback`
  holder.release()
  expect((await slow)?.status).toBe(201)
  expect(log.filter(({ level }) => level === 'error')).toEqual([])
})

test('who waits for a lock alone takes the turn of nobody', async ({ service: { sql: admin, databaseUrl } }) => {
  const db = database({ url: databaseUrl, poolSize: 2 })
  const { opening, opened, opener } = account(db)
  const open = db.change(opening)<{ next: number }>`${opened(sql`true`)} select owner_id as owner, next from change`
  const people = Array.from({ length: 6 }, (_, i) => opener(`turn${i}`, { email: null, name: null }))
  const [ann, ...others] = people as [(typeof people)[0], ...typeof people]
  await Promise.all(people.map(open))
  const holder = await admin.reserve()
  await holder`begin`
  await holder`select from users where id = ${ann.owner} for update`

  const order: string[] = []
  const slow = open(ann).finally(() => order.push('ann'))
  const waiting = () => admin`select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
  await expect.poll(async () => (await waiting()).length).toBe(1)
  const rest = await Promise.allSettled(others.map(open))
  order.push('others')
  await holder`rollback`
  holder.release()
  const [late] = await Promise.allSettled([slow])

  expect(rest).toEqual(others.map(() => ({ status: 'fulfilled', value: [{ next: 2 }] })))
  expect(late).toEqual({ status: 'fulfilled', value: [{ next: 2 }] })
  expect(order).toEqual(['others', 'ann'])
  await db.close()
})

test('the mistake of one is not that of the others', async ({ as }) => {
  const people = await Promise.all(Array.from({ length: 8 }, (_, i) => as(`mistaken${i}`)))
  await Promise.all(people.map(person => person.getUser()))
  const categoryId = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
  const answers = await Promise.all(
    people.map((person, i) => person.send('POST', '/v1/users/me/tasks', json({ title: 'a', categoryId: i === 3 ? categoryId : null }))),
  )
  expect(answers.map(({ status }) => status)).toEqual(people.map((_, i) => (i === 3 ? 422 : 201)))
  // Nothing of what was refused has happened: each has made one change.
  for (const [i, person] of people.entries()) expect((await person.listTasks()).headers.get('etag')).toBe(i === 3 ? '"1"' : '"2"')
})
