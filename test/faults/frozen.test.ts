import { chown, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect, vi } from 'vitest'
import { client } from '../support/client.ts'
import { tokenOf } from '../support/taskspec.ts'
import { selfSigned } from './certificate.ts'
import { type Cluster, test } from './cluster.ts'
import { crowd, expectFullPool, expectPromises, tally } from './crowd.ts'

const ways = { TCP: '', TLS: '?sslmode=require' }

test.for(['TCP', 'TLS'] as const)(
  'while the database is frozen behind %s everybody is answered, and after it they go on',
  async (way, { cluster, serve }) => {
    if (way === 'TLS') await offerTls(cluster)
    const databaseUrl = cluster.databaseUrl + ways[way]
    const { url } = await serve({ databaseUrl })
    const people = await crowd(url, 8)
    await vi.waitFor(() => expect(tally(people.calls)[201]).toBeGreaterThan(50), 5_000)
    expect(await encrypted(cluster)).toEqual(Array(4).fill(way === 'TLS'))

    await cluster.freeze()
    const beginner = await serve({ databaseUrl })
    const ann = client(beginner.url, await tokenOf('ann'))
    const began = performance.now()
    await Promise.all([ann.listTasks({}, 503), ann.createTask({ body: { title: 'a' } }, 503), ann.getReadiness({}, 503), ann.getLiveness()])
    expect(performance.now() - began).toBeLessThan(5_000)
    await people.refused()

    cluster.thaw()
    await people.served()
    await vi.waitFor(() => ann.createTask({ body: { title: 'b' } }, 201), 5_000)
    await beginner.stop()
    await expectPromises(await people.leave(), cluster.databaseUrl)
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
  await vi.waitFor(async () => expect((await sql`show ssl`)[0]).toEqual({ ssl: 'on' }))
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
