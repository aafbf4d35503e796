// The database is stopped, restarted, read-only or full.
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { eventually, steadyMs, within } from '../support/clock.ts'
import { tokenOf } from '../support/taskspec.ts'
import { test } from './cluster.ts'
import { crowd, expectFullPool, expectPromises, tally } from './crowd.ts'

test('while the database is stopped, requests are refused with Retry-After, and all succeed afterwards', async ({ cluster, serve }) => {
  const { url } = await serve()
  const ann = client(url, await tokenOf('ann'))
  const { body: task } = await ann.createTask({ body: { title: 'a' } })

  await cluster.stop()
  const began = steadyMs()
  const answers = await Promise.all([
    ann.listTasks({}, 503),
    ann.getTask({ path: { taskId: task.id } }, 503),
    ann.createTask({ body: { title: 'b' } }, 503),
    ann.getReadiness({}, 503),
    ann.getLiveness({}, 200),
  ])
  expect(steadyMs() - began).toBeLessThan(5_000)
  for (const { headers } of answers.slice(0, 4)) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)

  await cluster.start()
  await within(5_000, () => ann.getReadiness({}, 200))
  expect((await ann.listTasks()).body.items).toEqual([task])
  await expectFullPool(url, cluster.databaseUrl, 4)
})

test('a server that starts without a database waits for it', async ({ cluster, serve }) => {
  await cluster.stop()
  const { url } = await serve()
  const ann = client(url, await tokenOf('ann'))
  await ann.getReadiness({}, 503)
  await cluster.start()
  await within(5_000, () => ann.getReadiness({}, 200))
})

test.for(['immediate', 'fast'] as const)('a restart (%s) under load loses no confirmed change', async (mode, { cluster, serve }) => {
  const { url } = await serve()
  const users = await crowd(url, 12)
  for (let round = 0; round < 2; round++) {
    const from = users.calls.length
    await eventually(() => expect(tally(users.calls.slice(from))[201] ?? 0).toBeGreaterThan(20))
    await cluster.stop(mode)
    await sleep(round * 500)
    await cluster.start()
  }
  await users.served()
  await expectPromises(await users.leave(), cluster.databaseUrl)
  await expectFullPool(url, cluster.databaseUrl, 4)
})

test('a read-only database serves reads, and writes are refused with Retry-After', async ({ cluster, serve }) => {
  const { url } = await serve()
  const ann = client(url, await tokenOf('ben'))
  const { body: task } = await ann.createTask({ body: { title: 'a' } })
  const sql = postgres(cluster.databaseUrl, { max: 1 })

  await sql`alter system set default_transaction_read_only = on`
  await sql`select pg_reload_conf()`
  const refused = await eventually(() => ann.updateTask({ path: { taskId: task.id }, body: { title: 'b' } }, 503))
  expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  await ann.createTask({ body: { title: 'b' } }, 503)
  await ann.deleteTask({ path: { taskId: task.id } }, 503)
  expect((await ann.listTasks()).body.items).toEqual([expect.objectContaining({ id: task.id })])
  await ann.getReadiness()

  await sql`set default_transaction_read_only = off`
  await sql`alter system reset default_transaction_read_only`
  await sql`select pg_reload_conf()`
  await sql.end()
  await within(5_000, () => ann.createTask({ body: { title: 'c' } }, 201))
})

test('a database without free connections serves the servers that have one, and the others once one is free', async ({
  cluster,
  serve,
}) => {
  const first = await serve()
  const old = client(first.url, await tokenOf('cat'))
  await old.createTask({ body: { title: 'a' } })

  const others = postgres(cluster.databaseUrl, { max: 40 })
  const attempts = await Promise.allSettled(Array.from({ length: 40 }, () => others`select pg_sleep(0.2)`))
  expect(attempts.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(5)

  const { url } = await serve()
  const ann = client(url, await tokenOf('cat'))
  const refused = await Promise.all([ann.listTasks({}, 503), ann.createTask({ body: { title: 'b' } }, 503), ann.getReadiness({}, 503)])
  for (const { headers } of refused) expect(headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  await old.createTask({ body: { title: 'b' } })
  await old.listTasks()

  await others.end()
  await within(5_000, () => ann.createTask({ body: { title: 'c' } }, 201))
  await first.stop()
  await expectFullPool(url, cluster.databaseUrl, 4)
})
