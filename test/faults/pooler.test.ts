// PgBouncer in transaction mode between the server and PostgreSQL.
import postgres from 'postgres'
import { expect, inject, type TestContext } from 'vitest'
import { needs } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { startPooler } from '../support/pooler.ts'
import { poolerAndProxy } from '../support/programs.ts'
import { tokenOf } from '../support/taskspec.ts'
import { type Cluster, test } from './cluster.ts'
import { crowd, expectPromises } from './crowd.ts'

const behindPooler = needs(inject('programs').pgbouncer !== null, poolerAndProxy)

test(
  'every request through a pooler is answered, also after the pooler is killed and restarted',
  behindPooler,
  async ({ cluster, serve, onTestFinished }) => {
    const pooler = await start(cluster, onTestFinished)
    const { url } = await serve({ databaseUrl: pooler.url, pooler: true, poolSize: 8 })
    const ann = client(url, await tokenOf('pooled'))
    const { body: task } = await ann.createTask({ body: { title: 'a', labels: ['b'] } })
    expect((await ann.listTasks({ query: { label: ['b'] } })).body.items).toEqual([task])
    await ann.updateTask({ path: { taskId: task.id }, body: { completed: true } })

    const users = await crowd(url, 8)
    await users.served()
    await pooler.kill()
    await users.refused()
    await pooler.again()
    await users.served()
    await expectPromises(await users.leave(), cluster.databaseUrl)
  },
)

test(
  'a statement that waits behind a pooler ends at the statement timeout of the role',
  behindPooler,
  async ({ cluster, serve, onTestFinished }) => {
    const pooler = await start(cluster, onTestFinished)
    const { url } = await serve({ databaseUrl: pooler.url, pooler: true })
    const ann = client(url, await tokenOf('locked'))
    await ann.getUser()
    const sql = postgres(cluster.databaseUrl, { max: 1 })
    await sql`begin`
    await sql`select from users where id = 'locked' for update`
    const { headers } = await ann.updateUser({ body: { name: 'x' } }, 503)
    expect(headers.get('retry-after')).toBe('5')
    await sql`rollback`
    await sql.end()
  },
)

async function start({ databaseUrl }: Cluster, atEnd: TestContext['onTestFinished']) {
  const sql = postgres(databaseUrl, { max: 1 })
  await sql.unsafe(`alter role "${new URL(databaseUrl).username}" set statement_timeout = '1500ms'`)
  await sql.end()
  return startPooler(databaseUrl, atEnd, { default_pool_size: 3 })
}
