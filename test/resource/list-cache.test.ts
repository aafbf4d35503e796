import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'

test('a list that has not changed is not read again, and a change by another process is seen at once', async ({ as, service }) => {
  const statements: string[] = []
  const settings = { metricsPort: 0, timeouts: { databaseFactor: 10 } }
  const server = await start({ ...settings, databaseUrl: service.databaseUrl, observe: text => statements.push(text) })
  const listsRead = () => statements.filter(text => text.includes('from tasks as item')).length
  try {
    const elsewhere = await as('ann')
    const ann = client(server.url, await tokenOf(elsewhere.id))
    const { body: task } = await elsewhere.createTask({ body: { title: 'Water the plants' } })
    await ann.listTasks()
    const before = await ann.listTasks()
    const read = listsRead()
    const again = await ann.listTasks()
    expect([again.body, again.headers.get('ETag')]).toEqual([before.body, before.headers.get('ETag')])
    expect(listsRead()).toBe(read)

    await elsewhere.updateTask({ path: { taskId: task.id }, body: { title: 'Water the ferns' } })
    const after = await ann.listTasks()
    expect(after.body.items.map(({ title }) => title)).toEqual(['Water the ferns'])
    expect(after.headers.get('ETag')).not.toBe(before.headers.get('ETag'))
    expect(listsRead()).toBe(read + 1)

    const metrics = await (await fetch(server.metricsUrl as string)).text()
    expect(metrics).toMatch(/^taskspec_list_cache_hits_total 1$/m)
    expect(metrics).toMatch(/^taskspec_list_cache_misses_total 3$/m)
    expect(metrics).toMatch(/^taskspec_list_cache_bytes [1-9]/m)
  } finally {
    await server.stop()
  }
})

test('conditions are about the list, also where it comes from memory', async ({ as }) => {
  const ann = await as('ann')
  await ann.createTask({ body: { title: 'Water the plants' } })
  const ETag = (await ann.listTasks()).headers.get('ETag') as string
  const { body } = await ann.listTasks({ headers: { 'If-None-Match': '"1"' } })
  expect(body?.items).toHaveLength(1)
  expect((await ann.listTasks({ headers: { 'If-Match': ETag } })).status).toBe(200)
  expect((await ann.listTasks({ headers: { 'If-None-Match': ETag } }, 304)).status).toBe(304)
  expect((await ann.listTasks({ headers: { 'If-Match': '"1"' } }, 412)).status).toBe(412)
})

test('users with the same query get their own lists, and a list by the clock is never kept', async ({ as, service }) => {
  const [ann, ben] = await Promise.all([as('ann'), as('ben')])
  await ann.createTask({ body: { title: 'Due long ago', dueDate: '2020-01-01' } })
  await ben.listTasks()
  for (let times = 0; times < 3; times++) {
    expect((await ann.listTasks()).body.items).toHaveLength(1)
    expect((await ben.listTasks()).body.items).toHaveLength(0)
  }
  // A change that no revision shows, as the clock is one.
  for (let times = 0; times < 2; times++) expect((await ann.listTasks({ query: { overdue: true } })).body.items).toHaveLength(1)
  await service.sql`update tasks set due_date = '2999-01-01' where owner_id = ${ann.id}`
  expect((await ann.listTasks({ query: { overdue: true } })).body.items).toHaveLength(0)
})
