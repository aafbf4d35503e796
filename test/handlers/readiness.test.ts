// The first readiness check warms the connections of a process.
import postgres from 'postgres'
import { expect, type TestContext } from 'vitest'
import { client } from '../support/client.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'

const poolSize = 5

test('readiness warms every connection once, with statements that are no part of a request', async ({ onTestFinished }) => {
  const statements: string[] = []
  const { server, connections } = await startCold(onTestFinished, { observe: text => statements.push(text), timing: true })
  const check = (path: string) => fetch(server.url + path)
  expect((await check('/livez')).status).toBe(200)
  expect(await connections()).toBe(0)
  for (const { status, headers } of await Promise.all([check('/readyz'), check('/readyz')])) {
    expect(status).toBe(200)
    expect(headers.get('server-timing')).not.toMatch(/statements: (?!1")/)
  }
  expect(await connections()).toBe(poolSize)
  expect((await check('/readyz')).status).toBe(200)
  const warming = statements.filter(text => !text.includes('schema_migrations'))
  expect(warming).toEqual(Array(2 * poolSize).fill(warming[0]))
  for (const table of ['users', 'categories', 'tasks']) expect(warming[0]).toContain(table)
})

test('a server that gets too few connections is ready with those that it has', async ({ onTestFinished }) => {
  const { sql, role, server, connections } = await startCold(onTestFinished)
  await sql.unsafe(`alter role ${role} connection limit 2`)
  await client(server.url, undefined).getReadiness()
  expect(await connections()).toBe(2)
  await client(server.url, await tokenOf('ann')).createTask({ body: { title: 'a' } })
})

test('a server that gets no connection is not ready, and warms them all when it gets one', async ({ onTestFinished }) => {
  const { sql, role, server, connections } = await startCold(onTestFinished)
  const anonymous = client(server.url, undefined)
  await sql.unsafe(`alter role ${role} nologin`)
  await anonymous.getReadiness({}, 503)
  await anonymous.getLiveness()
  await sql.unsafe(`alter role ${role} login`)
  await anonymous.getReadiness()
  expect(await connections()).toBe(poolSize)
})

/** A server with a role and a database of its own. It has sent no statement yet. */
async function startCold(atEnd: TestContext['onTestFinished'], settings: Partial<Parameters<typeof start>[0]> = {}) {
  const database = await createDatabase()
  const sql = postgres(database.url, { max: 1, onnotice: () => {} })
  const role = new URL(database.url).pathname.slice(1)
  await sql.unsafe(`create role ${role} login password 'only-for-this-test'`)
  await sql.unsafe(`grant select, insert, update, delete on all tables in schema public to ${role}`)
  const databaseUrl = database.url.replace(/\/\/.*@/, `//${role}:only-for-this-test@`)
  const server = await start({ databaseUrl, poolSize, timeouts: { databaseFactor: 10 }, ...settings })
  atEnd(async () => {
    await server.stop()
    await sql.unsafe(`drop owned by ${role}; drop role ${role}`)
    await sql.end()
    await database.drop()
  })
  const connections = async () => (await sql`select from pg_stat_activity where usename = ${role} and application_name = 'taskspec'`).length
  return { sql, role, server, connections }
}
