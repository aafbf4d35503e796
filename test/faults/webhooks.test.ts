// Deliveries while servers are killed, the database is away, or a pooler stands before it: no change is missed, and what arrives twice has the
// same id.
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect, inject, type TestContext } from 'vitest'
import { needs } from '../support/checks.ts'
import { type Client, client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { startPooler } from '../support/pooler.ts'
import { listening, run } from '../support/process.ts'
import { poolerAndProxy } from '../support/programs.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'
import { record } from '../support/record.ts'
import { createDatabase, tokenOf } from '../support/taskspec.ts'
import { test } from './cluster.ts'

const often = { webhooks: { pollMs: 100, delaysMs: [1] }, privateWebhooks: true }

async function hooked(ann: Client, atEnd: TestContext['onTestFinished']) {
  const receiver = await startReceiver()
  atEnd(receiver.close)
  const { body } = await ann.createWebhook({ body: { url: receiver.url, kinds: ['task'] } })
  record('secrets', body.secret)
  return { receiver, webhookId: body.id }
}

/** Creates tasks until it is stopped, and returns the ids of those that were confirmed. */
function writer(ann: () => Client) {
  const confirmed: string[] = []
  let going = true
  const done = (async () => {
    for (let i = 0; going; i++) {
      const reply = await ann()
        .send('POST', '/v1/users/me/tasks', {
          body: JSON.stringify({ title: `task ${i}` }),
          headers: { 'content-type': 'application/json' },
        })
        .catch(() => undefined)
      if (reply?.status === 201) confirmed.push((reply.body as { id: string }).id)
      else await sleep(50)
    }
  })()
  return {
    confirmed,
    async stop() {
      going = false
      await done
      return confirmed
    },
  }
}

/** Every confirmed task has arrived, in the order of revisions, and a change that arrived twice came in deliveries of one id. */
async function expectAll({ items, deliveries }: Receiver, confirmed: string[], sql?: postgres.Sql) {
  await eventually(async () => {
    // As if a minute had passed since a process died, or a statement of its failed.
    if (sql) await sql`update webhooks set leased_until = now() where leased_until < now() + interval '50 seconds'`
    const seen = new Set(items().map(({ id }) => id))
    expect(confirmed.filter(id => !seen.has(id))).toEqual([])
  })
  const ids = new Map<string, Set<string>>()
  for (const { id, data } of deliveries)
    for (const item of data.items) ids.set(`${item.id} ${item.revision}`, (ids.get(`${item.id} ${item.revision}`) ?? new Set()).add(id))
  expect([...ids].filter(([, each]) => each.size > 1)).toEqual([])
  const first = [...new Map(deliveries.toReversed().map(each => [each.id, each])).values()].reverse()
  const revisions = first.flatMap(({ data }) => data.items.map(({ revision }) => revision))
  expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
}

test('servers are killed in the middle of deliveries', async ({ onTestFinished }) => {
  const database = await createDatabase()
  onTestFinished(database.drop)
  const sql = postgres(database.url, { max: 1 })
  onTestFinished(() => sql.end())
  const settings = { DATABASE_URL: database.url, RATE_LIMIT_PER_MINUTE: '0', NODE_ENV: 'production', WEBHOOK_PRIVATE_ADDRESSES: 'allow' }
  const serve = async () => {
    const process = run(settings, { atEnd: onTestFinished })
    return { process, url: await listening(process) }
  }
  const token = await tokenOf('killed-hooks')
  const servers = [await serve(), await serve()]
  const { receiver } = await hooked(client(servers[0]?.url as string, token), onTestFinished)
  const users = writer(() => client(servers[0]?.url as string, token))
  for (let round = 0; round < 2; round++) {
    // The receiver holds a delivery until its server has been killed.
    const gate = Promise.withResolvers<number>()
    const before = receiver.deliveries.length
    receiver.reply(() => gate.promise)
    await eventually(() => expect(receiver.deliveries.length).toBeGreaterThan(before))
    const held = receiver.deliveries.at(-1)?.id
    for (const { process } of servers) process.child.kill('SIGKILL')
    receiver.reply(204)
    gate.resolve(204)
    servers.splice(0, 2, await serve(), await serve())
    // As if a minute had passed: the lease of a process that died expires.
    await sql`update webhooks set leased_until = now() where leased_until is not null`
    await eventually(() => expect(receiver.deliveries.filter(({ id }) => id === held).length).toBeGreaterThan(1))
  }
  await expectAll(receiver, await users.stop(), sql)
})

test('the database is away for a while', async ({ cluster, serve, onTestFinished }) => {
  const { url, log } = await serve(often)
  const ann = client(url, await tokenOf('away-hooks'))
  const { receiver } = await hooked(ann, onTestFinished)
  const users = writer(() => ann)
  await eventually(() => expect(receiver.items().length).toBeGreaterThan(5))
  // A delivery is in flight when the database goes.
  const gate = Promise.withResolvers<number>()
  const before = receiver.deliveries.length
  receiver.reply(() => gate.promise)
  await eventually(() => expect(receiver.deliveries.length).toBeGreaterThan(before))
  await cluster.stop('immediate')
  receiver.reply(204)
  gate.resolve(204)
  await sleep(10_000)
  await cluster.start()
  const sql = postgres(cluster.databaseUrl, { max: 1 })
  onTestFinished(() => sql.end())
  const inOutage = users.confirmed.length
  await eventually(() => expect(users.confirmed.length).toBeGreaterThan(inOutage + 5))
  await expectAll(receiver, await users.stop(), sql)
  expect(log.filter(({ msg }) => msg === 'webhooks failed').length).toBeLessThan(20)
})

test(
  'through a pooler in transaction mode',
  needs(inject('programs').pgbouncer !== null, poolerAndProxy),
  async ({ cluster, serve, onTestFinished }) => {
    const pooler = await startPooler(cluster.databaseUrl, onTestFinished, { default_pool_size: 3 })
    const { url } = await serve({ databaseUrl: pooler.url, pooler: true, ...often })
    const ann = client(url, await tokenOf('pooled-hooks'))
    const { receiver } = await hooked(ann, onTestFinished)
    receiver.reply(() => (receiver.deliveries.length % 3 === 0 ? 500 : 204))
    const users = writer(() => ann)
    await eventually(() => expect(receiver.items().length).toBeGreaterThan(20))
    await expectAll(receiver, await users.stop())
  },
)
