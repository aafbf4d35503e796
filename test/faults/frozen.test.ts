// The database stops answering while its connections stay open.
import { chown, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { eventually, steadyMs, within } from '../support/clock.ts'
import { tokenOf } from '../support/taskspec.ts'
import { selfSigned } from './certificate.ts'
import { type Cluster, test } from './cluster.ts'
import { crowd, expectFullPool, expectPromises } from './crowd.ts'

const parameters = { TCP: '', TLS: '?sslmode=require' }

test.for(['TCP', 'TLS'] as const)(
  'while the database is frozen behind %s, every request is answered, and all succeed afterwards',
  async (transport, { cluster, serve }) => {
    if (transport === 'TLS') await offerTls(cluster)
    const databaseUrl = cluster.databaseUrl + parameters[transport]
    const { url } = await serve({ databaseUrl })
    const users = await crowd(url, 8)
    await users.served()
    await eventually(async () => expect(await encrypted(cluster)).toEqual(Array(4).fill(transport === 'TLS')))

    await cluster.freeze()
    const newServer = await serve({ databaseUrl })
    const ann = client(newServer.url, await tokenOf('ann'))
    const began = steadyMs()
    await Promise.all([ann.listTasks({}, 503), ann.createTask({ body: { title: 'a' } }, 503), ann.getReadiness({}, 503), ann.getLiveness()])
    expect(steadyMs() - began).toBeLessThan(5_000)
    await users.refused()

    cluster.thaw()
    await users.served()
    await within(5_000, () => ann.createTask({ body: { title: 'b' } }, 201))
    await newServer.stop()
    await expectPromises(await users.leave(), cluster.databaseUrl)
    await expectFullPool(url, cluster.databaseUrl, 4)
  },
)

async function offerTls({ directory, databaseUrl }: Cluster) {
  const data = join(directory, 'postgres')
  const { uid, gid } = await stat(data)
  const { certificate, key } = selfSigned()
  for (const [name, text] of Object.entries({ 'server.crt': certificate, 'server.key': key })) {
    await writeFile(join(data, name), text, { mode: 0o600 })
    await chown(join(data, name), uid, gid)
  }
  const sql = postgres(databaseUrl, { max: 1 })
  await sql`alter system set ssl = on`
  await sql`select pg_reload_conf()`
  await eventually(async () => expect((await sql`show ssl`)[0]).toEqual({ ssl: 'on' }))
  await sql.end()
}

async function encrypted({ databaseUrl }: Cluster) {
  const sql = postgres(databaseUrl, { max: 1 })
  const rows = await sql<
    { ssl: boolean }[]
  >`select ssl from pg_stat_activity join pg_stat_ssl using (pid) where application_name = 'taskspec'`
  await sql.end()
  return rows.map(({ ssl }) => ssl)
}
