// The server needs no more than db/roles.sql gives it.
import { readFile } from 'node:fs/promises'
import postgres from 'postgres'
import { expect, type TestContext } from 'vitest'
import { databaseFindings } from '../../src/cli/findings/database.ts'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase as connect } from '../../src/database/database.ts'
import { client } from '../support/client.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'

test('the role of the server serves every request and cannot touch the schema', async ({ onTestFinished }) => {
  const { url } = await createRole(onTestFinished)
  const server = await start({ databaseUrl: url, limits: { perMinute: 1000, shared: true } })
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

  const role = postgres(url, { max: 1, onnotice: () => {} })
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

test('a role that lacks what the server needs is named by the doctor, and is no bug of the server', async ({ onTestFinished }) => {
  const { url, owner } = await createRole(onTestFinished)
  const server = await start({ databaseUrl: url })
  onTestFinished(server.stop)
  const ann = client(server.url, await tokenOf('ann'))
  await ann.createTask({ body: { title: 'a' } })
  expect(await faults(url)).toEqual([])

  await owner`revoke select, update on tasks from taskspec_server`
  await owner`revoke delete on users from taskspec_server`
  await owner`alter role taskspec_server connection limit 3`
  await owner`alter role taskspec_server set default_transaction_read_only = on`
  expect((await ann.listTasks({}, 503)).body.detail).toBe('The role of the server lacks a permission. Run: npm run doctor')
  const [connections, role] = await faults(url)
  expect([connections, role]).toEqual([
    {
      subject: 'connections',
      state: 'this server needs 4, the database has 3',
      remedy: expect.stringContaining('limits of the role'),
    },
    {
      subject: 'role',
      state: "can't change the schema, lacks delete on users, lacks select, update on tasks, is read-only",
      remedy: expect.stringMatching(/^As the owner of the tables: (.*)\n +Name the primary,.* alter role taskspec_server reset default/),
    },
  ])
  const [grant] = /grant .*;/.exec(role?.remedy as string) as RegExpExecArray
  expect(await rolesFile()).toContain(grant)
})

const rolesFile = () => readFile(new URL('../../db/roles.sql', import.meta.url), 'utf8')

async function createRole(atEnd: TestContext['onTestFinished']) {
  const database = await createDatabase()
  const owner = postgres(database.url, { max: 1, onnotice: () => {} })
  atEnd(async () => {
    await owner`drop owned by taskspec_server`
    await owner`drop role taskspec_server`
    await owner.end()
    await database.drop()
  })
  await owner.unsafe(await rolesFile())
  await owner`alter role taskspec_server password 'only-for-this-test'`
  const url = new URL(database.url)
  url.username = 'taskspec_server'
  url.password = 'only-for-this-test'
  return { url: url.href, owner }
}

async function faults(url: string) {
  const db = connect({ url: parseDatabaseUrl(url), poolSize: 1, timeoutFactor: 2 })
  const settings = { production: true, poolSize: 4, workers: 1, pooler: false, sharded: false }
  const findings = await databaseFindings(db, settings).finally(() => db.close())
  return findings.filter(({ remedy }) => remedy !== undefined)
}
