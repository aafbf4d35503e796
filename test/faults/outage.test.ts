import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect, vi } from 'vitest'
import { client } from '../support/client.ts'
import { tokenOf } from '../support/taskspec.ts'
import { test } from './cluster.ts'
import { crowd, expectFullPool, expectPromises } from './crowd.ts'

test('while the database is stopped everybody is told to come back, and once it is there everything works', async ({ cluster, serve }) => {
  const { url } = await serve()
  const ann = client(url, await tokenOf('ann'))
  const { body: task } = await ann.createTask({ body: { title: 'a' } })

  await cluster.stop()
  const began = performance.now()
  const answers = await Promise.all([
    ann.listTasks({}, 503),
    ann.getTask({ path: { taskId: task.id } }, 503),
    ann.createTask({ body: { title: 'b' } }, 503),
    ann.getReadiness({}, 503),
    ann.getLiveness({}, 200),
  ])
  expect(performance.now() - began).toBeLessThan(5_000)
  for (const { headers } of answers.slice(0, 4)) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)

  await cluster.start()
  await vi.waitFor(() => ann.getReadiness({}, 200), 5_000)
  expect((await ann.listTasks()).body.items).toEqual([task])
  await expectFullPool(url, cluster.databaseUrl, 4)
})

test('a start without a database ends in a server that waits for one', async ({ cluster, serve }) => {
  await cluster.stop()
  const { url } = await serve()
  const ann = client(url, await tokenOf('ann'))
  await ann.getReadiness({}, 503)
  await cluster.start()
  await vi.waitFor(() => ann.getReadiness({}, 200), 5_000)
})

test.for(['immediate', 'fast'] as const)('a restart (%s) under load loses nothing that was confirmed', async (mode, { cluster, serve }) => {
  const { url } = await serve()
  const people = await crowd(url, 12)
  await sleep(300)
  for (let round = 0; round < 2; round++) {
    const before = people.calls.length
    await vi.waitFor(() => expect(people.calls.slice(before).filter(({ status }) => status === 201).length).toBeGreaterThan(20), 5_000)
    await cluster.stop(mode)
    await sleep(round * 700)
    await cluster.start()
  }
  await people.served()
  await expectPromises(await people.leave(), cluster.databaseUrl)
  await expectFullPool(url, cluster.databaseUrl, 4)
})

test('a database that only reads serves readers and asks writers to come back', async ({ cluster, serve }) => {
  const { url } = await serve()
  const ann = client(url, await tokenOf('ben'))
  const { body: task } = await ann.createTask({ body: { title: 'a' } })
  const sql = postgres(cluster.databaseUrl, { max: 1 })

  await sql`alter system set default_transaction_read_only = on`
  await sql`select pg_reload_conf()`
  const refused = await vi.waitFor(() => ann.updateTask({ path: { taskId: task.id }, body: { title: 'b' } }, 503))
  expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  await ann.createTask({ body: { title: 'b' } }, 503)
  await ann.deleteTask({ path: { taskId: task.id } }, 503)
  expect((await ann.listTasks()).body.items).toEqual([expect.objectContaining({ id: task.id })])
  await ann.getReadiness()

  await sql`set default_transaction_read_only = off`
  await sql`alter system reset default_transaction_read_only`
  await sql`select pg_reload_conf()`
  await sql.end()
  await vi.waitFor(() => ann.createTask({ body: { title: 'c' } }, 201), 5_000)
})

test('a database that takes no more connections serves those who have one, and the others when there is room', async ({
  cluster,
  serve,
}) => {
  const first = await serve()
  const old = client(first.url, await tokenOf('cat'))
  await old.createTask({ body: { title: 'a' } })

  const others = postgres(cluster.databaseUrl, { max: 40 })
  const taken = await Promise.allSettled(Array.from({ length: 40 }, () => others`select pg_sleep(0.2)`))
  expect(taken.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(5)

  const { url } = await serve()
  const ann = client(url, await tokenOf('cat'))
  const refused = await Promise.all([ann.listTasks({}, 503), ann.createTask({ body: { title: 'b' } }, 503), ann.getReadiness({}, 503)])
  for (const { headers } of refused) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  await old.createTask({ body: { title: 'b' } })
  await old.listTasks()

  await others.end()
  await vi.waitFor(() => ann.createTask({ body: { title: 'c' } }, 201), 5_000)
  await first.stop()
  await expectFullPool(url, cluster.databaseUrl, 4)
})
