// Reads that share a statement: each caller gets the rows that it would get alone.
import { expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { sql } from '../../src/database/sql.ts'
import { eventually } from '../support/clock.ts'
import { test } from '../support/taskspec.ts'

test('each of many concurrent callers gets its own rows', async ({ as }) => {
  const users = await Promise.all(Array.from({ length: 40 }, (_, i) => as(`user${i}`)))
  const tasks = await Promise.all(users.map(async user => (await user.createTask({ body: { title: `of ${user.id}` } })).body))
  const path = (i: number) => ({ taskId: tasks[i % 40]?.id as string })

  const [lists, own, foreign] = await Promise.all([
    Promise.all(users.map(user => user.listTasks())),
    Promise.all(users.map((user, i) => user.getTask({ path: path(i) }))),
    Promise.all(users.map((user, i) => user.getTask({ path: path(i + 1) }, 404))),
  ])

  expect(lists.map(({ body }) => body.items)).toEqual(tasks.map(task => [task]))
  expect(own.map(({ body }) => body)).toEqual(tasks)
  expect(foreign).toHaveLength(40)
})

test('concurrent callers share a statement, at most thirty-two each, and get their rows in order', async ({ service }) => {
  const sent: string[] = []
  const db = createDatabase({
    url: parseDatabaseUrl(service.databaseUrl),
    poolSize: 4,
    timeoutFactor: 10,
    observe: text => sent.push(text),
  })
  const series = db.lookup(
    'select series',
    { upto: 'integer' },
    sql`number desc`,
  )<{ number: number }>(asked => sql`select number from generate_series(1, ${asked.upto}) as number`)

  const results = await Promise.all(Array.from({ length: 40 }, (_, upto) => series({ upto })))
  expect(results.map(rows => rows.map(({ number }) => number))).toEqual(
    Array.from({ length: 40 }, (_, upto) => Array.from({ length: upto }, (_, i) => upto - i)),
  )
  expect(sent).toHaveLength(2)
  await db.close()
})

test('a statement that fails after its first rows leaves no rows for the next', async ({ service }) => {
  const db = createDatabase({ url: parseDatabaseUrl(service.databaseUrl), poolSize: 1, timeoutFactor: 10 })
  const fails = db.read('divide', sql`select 1 / (3 - number) as quotient from generate_series(1, 5) as number where ${true}`)
  await expect(fails).rejects.toMatchObject({ code: '22012' })
  const next = await db.read('select series', sql`select number from generate_series(1, 2) as number where ${true}`)
  expect([...next]).toEqual([{ number: 1 }, { number: 2 }])
  await db.close()
})

test('an invalid value of one caller does not fail the others', async ({ service }) => {
  const db = createDatabase({ url: parseDatabaseUrl(service.databaseUrl), poolSize: 4, timeoutFactor: 10 })
  const number = db.lookup('cast', { text: 'text' })<{ number: number }>(asked => sql`select ${asked.text}::integer as number`)

  const results = await Promise.allSettled(['1', 'two', '3'].map(text => number({ text })))
  expect(results).toMatchObject([
    { status: 'fulfilled', value: [{ number: 1 }] },
    { status: 'rejected', reason: { code: '22P02' } },
    { status: 'fulfilled', value: [{ number: 3 }] },
  ])
  await db.close()
})

test('slow shared statements take less than half of the connections', async ({ service }) => {
  const db = createDatabase({ url: parseDatabaseUrl(service.databaseUrl), poolSize: 10, timeoutFactor: 10 })
  const holder = await service.sql.reserve()
  await holder`select pg_advisory_lock(10)`
  const reads = Array.from({ length: 6 }, (_, number) =>
    db.lookup(`wait ${number}`, { lock: 'integer' })<{ done: boolean }>(
      asked => sql`select pg_advisory_xact_lock_shared(${asked.lock}) is not null as done`,
    ),
  )
  const results = reads.map(read => read({ lock: 10 }))
  await eventually(async () => expect(db.load().busy).toBe(4))
  await db.read('select one', sql`select 1 as one`) // comes after all that could be sent
  expect(db.load()).toMatchObject({ busy: 4, waiting: 0 })
  await holder`select pg_advisory_unlock(10)`
  holder.release()
  expect((await Promise.all(results)).flat()).toEqual(Array(6).fill({ done: true }))
  await db.close()
})
