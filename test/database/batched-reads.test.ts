// Reads that are answered together: each is answered as if it were alone.
import { expect } from 'vitest'
import { database } from '../../src/database/database.ts'
import { sql } from '../../src/database/sql.ts'
import { test } from '../support/taskspec.ts'

test('of many who ask at once each gets their own', async ({ as }) => {
  const people = await Promise.all(Array.from({ length: 40 }, (_, i) => as(`person${i}`)))
  const tasks = await Promise.all(people.map(async person => (await person.createTask({ body: { title: `of ${person.id}` } })).body))
  const path = (i: number) => ({ taskId: tasks[i % 40]?.id as string })

  const [lists, own, strange] = await Promise.all([
    Promise.all(people.map(person => person.listTasks())),
    Promise.all(people.map((person, i) => person.getTask({ path: path(i) }))),
    Promise.all(people.map((person, i) => person.getTask({ path: path(i + 1) }, 404))),
  ])

  expect(lists.map(({ body }) => body.items)).toEqual(tasks.map(task => [task]))
  expect(own.map(({ body }) => body)).toEqual(tasks)
  expect(strange).toHaveLength(40)
})

test('what is asked in one moment is one statement, up to sixteen, in the order that was asked for', async ({ service }) => {
  const sent: string[] = []
  const db = database({ url: service.databaseUrl, poolSize: 4, observe: text => sent.push(text) })
  const series = db.lookup({ upto: 'integer' }, sql`number desc`)<{ number: number }>`
    select number from generate_series(1, asked.upto) as number`

  const answers = await Promise.all(Array.from({ length: 40 }, (_, upto) => series({ upto })))
  expect(answers.map(rows => rows.map(({ number }) => number))).toEqual(
    Array.from({ length: 40 }, (_, upto) => Array.from({ length: upto }, (_, i) => upto - i)),
  )
  expect(sent).toHaveLength(3)
  await db.close()
})

test('a statement that fails behind its first rows leaves nothing to the next', async ({ service }) => {
  const db = database({ url: service.databaseUrl, poolSize: 1 })
  const fails = db.read`select 1 / (3 - number) as quotient from generate_series(1, 5) as number where ${true}`
  await expect(fails).rejects.toMatchObject({ code: '22012' })
  expect([...(await db.read`select number from generate_series(1, 2) as number where ${true}`)]).toEqual([{ number: 1 }, { number: 2 }])
  await db.close()
})

test('the mistake of one is not that of the others', async ({ service }) => {
  const db = database({ url: service.databaseUrl, poolSize: 4 })
  const number = db.lookup({ text: 'text' })<{ number: number }>`select asked.text::integer as number`

  const answers = await Promise.allSettled(['1', 'two', '3'].map(text => number({ text })))
  expect(answers).toMatchObject([
    { status: 'fulfilled', value: [{ number: 1 }] },
    { status: 'rejected', reason: { code: '22P02' } },
    { status: 'fulfilled', value: [{ number: 3 }] },
  ])
  await db.close()
})
