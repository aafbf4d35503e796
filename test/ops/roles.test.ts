// The server needs no more than db/roles.sql gives it.
import { readFile } from 'node:fs/promises'
import postgres from 'postgres'
import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'

test('the role of the server serves every request and cannot touch the schema', async ({ onTestFinished }) => {
  const database = await createDatabase()
  const owner = postgres(database.url, { max: 1, onnotice: () => {} })
  onTestFinished(async () => {
    await owner`drop owned by taskspec_server`
    await owner`drop role taskspec_server`
    await owner.end()
    await database.drop()
  })
  await owner.unsafe(await readFile(new URL('../../db/roles.sql', import.meta.url), 'utf8'))
  await owner`alter role taskspec_server password 'only-for-this-test'`
  const url = new URL(database.url)
  url.username = 'taskspec_server'
  url.password = 'only-for-this-test'

  const server = await start({ databaseUrl: url.href, limits: { perMinute: 1000, shared: true } })
  onTestFinished(server.stop)
  const ann = client(server.url, await tokenOf('ann'))
  await ann.getReadiness()
  await ann.updateUser({ body: { name: 'Ann' } })
  const { body: category } = await ann.createCategory({ body: { name: 'Garden' } })
  const { body: task } = await ann.createTask({ body: { title: 'a', categoryId: category.id } })
  await ann.updateTask({ path: { taskId: task.id }, body: { completed: true } })
  expect((await ann.listTasks()).body.items).toHaveLength(1)
  await ann.deleteCategory({ path: { categoryId: category.id } })
  await ann.deleteTask({ path: { taskId: task.id } })
  await ann.deleteUser()

  const role = postgres(url.href, { max: 1, onnotice: () => {} })
  onTestFinished(() => role.end())
  for (const statement of [
    'create table mine (id int)',
    'alter table tasks add column mine int',
    'drop table tasks',
    'truncate tasks',
    'create index on tasks (title)',
    "insert into schema_migrations values ('1')",
    'create role another',
  ])
    await expect(role.unsafe(statement), statement).rejects.toMatchObject({ code: '42501' })
})
