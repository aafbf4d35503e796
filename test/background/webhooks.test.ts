// Deliveries through the wire: servers that send at short intervals, to receivers on this machine.
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, type TestContext } from 'vitest'
import { freePort } from '../../src/dev/free-port.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { run } from '../support/process.ts'
import { isSignedWith, startReceiver } from '../support/receiver.ts'
import { record } from '../support/record.ts'
import { type Service, start, test, tokenOf } from '../support/taskspec.ts'

const fast = { pollMs: 50, delaysMs: [1] }
const webhooks = { webhooks: fast, privateWebhooks: true, timeouts: { databaseFactor: 10 } }

let users = 0

/** A user of a server that sends, with a receiver. */
async function setUp(
  { databaseUrl, sql }: Service,
  atEnd: TestContext['onTestFinished'],
  settings: Partial<Parameters<typeof start>[0]> = {},
) {
  const id = `hook-${users++}`
  const running = await start({ databaseUrl, ...webhooks, ...settings })
  let stopped: Promise<void> | undefined
  const server = { ...running, stop: () => (stopped ??= running.stop()) }
  const receiver = await startReceiver()
  atEnd(async () => {
    await sql`delete from users where id = ${id}` // the server of another test would send for it
    await server.stop()
    receiver.close()
  })
  const ann = client(server.url, await tokenOf(id))
  const { url, deliveries } = receiver
  /** A webhook of this receiver. */
  async function hook(more: { kinds?: ('user' | 'category' | 'task' | 'calendar' | 'reminder')[] } = {}) {
    const { body } = await ann.createWebhook({ body: { url, ...more } })
    record('secrets', body.secret)
    return { path: { webhookId: body.id }, secret: body.secret as string }
  }
  return { server, receiver, deliveries, ann, id, hook }
}

type Ann = Awaited<ReturnType<typeof setUp>>['ann']
type Hook = { path: { webhookId: string } }

const create = (ann: Ann, title = 'a') => ann.createTask({ body: { title } }).then(({ body }) => body)
const revisionOf = async (ann: Ann) => (await ann.getUser()).body && Number((await ann.listCategories()).etag.replaceAll('"', ''))

/** Waits until the webhook has delivered everything. */
async function caughtUp(ann: Ann, { path }: Hook) {
  await eventually(async () => {
    const [{ body }, revision] = [await ann.getWebhook({ path }), await revisionOf(ann)]
    expect(body.deliveredRevision).toBe(revision)
  })
}

const logOf = async (ann: Ann, { path }: Hook) => (await ann.listWebhookDeliveries({ path })).body.items

test('every change arrives once, signed, in the order of revisions, as listChanges shows it', async ({ service, onTestFinished }) => {
  const { ann, id, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  const { body: category } = await ann.createCategory({ body: { name: 'Home' } })
  const tasks = await Promise.all(Array.from({ length: 12 }, (_, i) => create(ann, `task ${i}`)))
  await Promise.all(tasks.slice(0, 6).map(({ id: taskId }) => ann.updateTask({ path: { taskId }, body: { categoryId: category.id } })))
  await ann.deleteTask({ path: { taskId: tasks[7]?.id as string } })
  await ann.updateUser({ body: { name: 'Ann' } })
  await ann.createCalendar({ body: { name: 'Plans' } })
  await caughtUp(ann, hooked)

  const revisions = receiver.items().map(({ revision }) => revision)
  expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
  expect(new Set(deliveries.map(each => each.id)).size).toBe(deliveries.length)
  for (const delivery of deliveries) {
    expect(isSignedWith(hooked.secret, delivery)).toBe(true)
    expect(delivery).toMatchObject({
      type: 'changes',
      data: { userId: id, webhookId: hooked.path.webhookId, revision: expect.any(Number) },
    })
    expect(Math.abs(Date.parse(delivery.timestamp) - Date.now())).toBeLessThan(300_000)
  }
  const { items } = (await ann.listChanges({ query: { limit: 100 } })).body
  const latest = new Map(receiver.items().map(item => [`${item.kind} ${item.id}`, item]))
  const expected = items.filter(({ kind }) => (kind as string) !== 'webhook')
  for (const item of expected) expect(latest.get(`${item.kind} ${item.id}`)).toEqual(item)
  expect(latest.get(`task ${tasks[7]?.id}`)).toMatchObject({ deletedAt: expect.any(String), resource: null })
  expect((await logOf(ann, hooked)).map(({ state, attempts, responseStatus }) => ({ state, attempts, responseStatus }))).toEqual(
    deliveries.map(() => ({ state: 'delivered', attempts: 1, responseStatus: 204 })),
  )
})

test('a webhook gets only its kinds, and follows the account nevertheless', async ({ service, onTestFinished }) => {
  const { ann, receiver, hook } = await setUp(service, onTestFinished)
  const hooked = await hook({ kinds: ['category'] })
  await create(ann)
  await caughtUp(ann, hooked)
  const { body: category } = await ann.createCategory({ body: { name: 'Home' } })
  await create(ann)
  await caughtUp(ann, hooked)
  expect(receiver.items().map(({ kind, id }) => [kind, id])).toEqual([['category', category.id]])
})

test('a delivery that fails is repeated under its id, and what changes meanwhile comes in the next', async ({
  service,
  onTestFinished,
}) => {
  const { ann, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  receiver.reply(503)
  const first = await create(ann)
  await eventually(() => expect(deliveries.length).toBeGreaterThan(2))
  const second = await create(ann, 'b')
  const seen = deliveries.length
  await eventually(() => expect(deliveries.length).toBeGreaterThan(seen + 2))
  const [pending] = await logOf(ann, hooked)
  expect(pending).toMatchObject({ state: 'pending', type: 'changes', responseStatus: 503, error: null, attempts: expect.any(Number) })
  expect((await ann.getWebhook({ path: hooked.path })).body.failingSince).not.toBeNull()
  receiver.reply(200)
  await caughtUp(ann, hooked)
  const failed = deliveries.slice(0, -1)
  expect(new Set(failed.map(({ id }) => id))).toEqual(new Set([pending?.id]))
  expect(failed.every(({ data }) => data.items.length === 1 && data.items[0]?.id === first.id)).toBe(true)
  expect(deliveries.at(-1)?.data.items.map(({ id }) => id)).toEqual([second.id])
  expect((await ann.getWebhook({ path: hooked.path })).body).toMatchObject({ failingSince: null, enabled: true })
})

test('a row that changes before it was delivered is sent in its new state alone', async ({ service, onTestFinished }) => {
  const { ann, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  receiver.reply(500)
  const { id: taskId } = await create(ann)
  await eventually(() => expect(deliveries.length).toBeGreaterThan(0))
  await ann.updateTask({ path: { taskId }, body: { title: 'newer' } })
  await eventually(async () => expect((await logOf(ann, hooked)).map(({ state }) => state)).toContain('cancelled'))
  receiver.reply(200)
  await caughtUp(ann, hooked)
  expect(receiver.items().map(({ resource }) => resource?.title)).toEqual(['newer'])
})

test('a reply 410 disables the webhook at once, and enabled it continues with the same delivery', async ({ service, onTestFinished }) => {
  const { ann, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  receiver.reply(410)
  const task = await create(ann)
  const { revision } = task
  await eventually(async () =>
    expect((await ann.getWebhook({ path: hooked.path })).body).toMatchObject({
      ...{ enabled: false, disabledReason: 'gone', disabledAt: expect.any(String), revision: revision + 1 },
    }),
  )
  receiver.reply(200)
  await ann.updateWebhook({ path: hooked.path, body: { enabled: true } })
  await caughtUp(ann, hooked)
  expect(deliveries.map(({ id }) => id)).toEqual([deliveries[0]?.id, deliveries[0]?.id])
  expect(receiver.items().map(({ id }) => id)).toEqual([task.id])
})

test('after a day of failures the webhook is disabled with the reason', async ({ service, onTestFinished }) => {
  const { ann, id, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  receiver.reply(500)
  await create(ann)
  await eventually(() => expect(deliveries.length).toBeGreaterThan(1))
  expect((await ann.getWebhook({ path: hooked.path })).body.enabled).toBe(true)
  await service.sql`update webhooks set failing_since = now() - interval '24 hours 1 second' where owner_id = ${id}`
  await eventually(async () =>
    expect((await ann.getWebhook({ path: hooked.path })).body).toMatchObject({ enabled: false, disabledReason: 'failing' }),
  )
  const sent = deliveries.length
  await create(ann)
  await ann.testWebhook({ path: hooked.path }, 409)
  expect(deliveries).toHaveLength(sent)
})

test('when deletions were purged that it did not get, a webhook is told to read the account', async ({ service, onTestFinished }) => {
  const { ann, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  const { id: taskId } = await create(ann)
  await caughtUp(ann, hooked)
  await ann.updateWebhook({ path: hooked.path, body: { enabled: false } })
  await ann.deleteTask({ path: { taskId } })
  await ann.emptyTrash()
  await ann.updateWebhook({ path: hooked.path, body: { enabled: true } })
  await caughtUp(ann, hooked)
  expect(deliveries.map(({ type }) => type)).toEqual(['changes', 'reset'])
  const next = await create(ann)
  await caughtUp(ann, hooked)
  expect(deliveries.at(-1)?.data.items.map(({ id }) => id)).toEqual([next.id])
  expect(deliveries[1]?.data.revision).toBe(next.revision - 1)
})

test('a rotated secret signs beside the old one for a day', async ({ service, onTestFinished }) => {
  const { ann, id, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  const { body } = await ann.rotateWebhookSecret({ path: hooked.path })
  record('secrets', body.secret)
  await create(ann)
  await caughtUp(ann, hooked)
  await service.sql`update webhooks set previous_secret_until = now() where owner_id = ${id}`
  await create(ann)
  await caughtUp(ann, hooked)
  const signed = deliveries.map(each => [hooked.secret, body.secret as string].map(secret => isSignedWith(secret, each)))
  expect(signed).toEqual([
    [true, true],
    [false, true],
  ])
})

test('a test is sent once, whether it succeeds or not, and holds up nothing', async ({ service, onTestFinished }) => {
  const { ann, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  const sendTest = async (status: number, state: string) => {
    receiver.reply(status)
    const { body } = await ann.testWebhook({ path: hooked.path })
    await eventually(async () =>
      expect((await logOf(ann, hooked))[0]).toMatchObject({ id: body.id, state, responseStatus: status, attempts: 1 }),
    )
  }
  await sendTest(204, 'delivered')
  await sendTest(500, 'failed')
  await sendTest(204, 'delivered')
  expect(deliveries.map(({ type }) => type)).toEqual(['test', 'test', 'test'])
  expect((await ann.getWebhook({ path: hooked.path })).body).toMatchObject({ failingSince: null, enabled: true })
  await create(ann)
  await caughtUp(ann, hooked)
  expect(receiver.items()).toHaveLength(1)
})

test('a replay sends again from a revision, also instead of a delivery that fails', async ({ service, onTestFinished }) => {
  const { ann, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  const [first, second] = [await create(ann), await create(ann, 'b')]
  await caughtUp(ann, hooked)
  receiver.reply(500)
  const third = await create(ann, 'c')
  await eventually(async () => expect((await logOf(ann, hooked))[0]).toMatchObject({ state: 'pending', responseStatus: 500 }))
  const cancelled = deliveries.at(-1)?.id
  await ann.replayWebhook({ path: hooked.path, body: { revision: first.revision } })
  receiver.reply(200)
  const before = deliveries.length
  await caughtUp(ann, hooked)
  const again = deliveries.slice(before).flatMap(each => (each.id === cancelled ? [] : each.data.items)) // it may be in flight
  expect(again.map(({ id }) => id)).toEqual([second.id, third.id])
})

test('reminders are sent when they fall due, each once, in their order', async ({ service, onTestFinished }) => {
  const { ann, id, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const { path } = await hook({ kinds: ['reminder'] })
  await ann.updateWebhook({ path, body: { enabled: false } }) // else a slow machine would send the second one of `due` too early
  const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()
  const remind = (title: string, ...seconds: number[]) =>
    ann.createTask({ body: { title, reminders: seconds.map(each => ({ at: at(each) })) } }).then(({ body }) => body)
  const [due, other, done] = [await remind('due', -60, 1), await remind('other', -30), await remind('done', -20)]
  await remind('later', 3_000)
  await ann.updateTask({ path: { taskId: done.id }, body: { completed: true } })
  // As if the reminders had been there an hour ago.
  await service.sql`update webhooks set reminded_until = now() - interval '1 hour', remind_at = null where owner_id = ${id}`
  await ann.updateWebhook({ path, body: { enabled: true } })
  await eventually(() => expect(deliveries.map(({ data }) => data.reminder.taskId)).toEqual([due.id, other.id, due.id]))
  const { items } = (await ann.listReminders({ query: { from: at(-600), to: at(600) } })).body
  expect(deliveries.map(({ data }) => data.reminder)).toEqual(items)
  expect(deliveries.map(({ type }) => type)).toEqual(['reminder', 'reminder', 'reminder'])
  // Each look ahead ends where the next reminder is.
  await eventually(async () => {
    const [{ next }] = await service.sql<[{ next: Date }]>`select remind_at as next from webhooks where owner_id = ${id}`
    expect(next.getTime()).toBeGreaterThan(Date.now() + 600_000)
  })
  expect(receiver.items()).toEqual([])
})

test('a reminder whose task is completed before it arrives is not repeated', async ({ service, onTestFinished }) => {
  const { ann, id, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook({ kinds: ['reminder'] })
  receiver.reply(500)
  const { body: task } = await ann.createTask({ body: { title: 'a', reminders: [{ at: new Date(Date.now() - 60_000).toISOString() }] } })
  await caughtUp(ann, hooked)
  await service.sql`update webhooks set reminded_until = now() - interval '1 hour', remind_at = null where owner_id = ${id}`
  await eventually(() => expect(deliveries.length).toBeGreaterThan(1))
  await ann.updateTask({ path: { taskId: task.id }, body: { completed: true } })
  await eventually(async () => expect((await logOf(ann, hooked))[0]).toMatchObject({ type: 'reminder', state: 'cancelled' }))
  await caughtUp(ann, hooked)
  expect(new Set(deliveries.map(each => each.id)).size).toBe(1)
})

test('a reminder that falls due while a delivery fails comes after it', async ({ service, onTestFinished }) => {
  const { ann, id, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  await hook({ kinds: ['task', 'reminder'] })
  receiver.reply(500)
  await create(ann)
  await eventually(() => expect(deliveries.length).toBeGreaterThan(0))
  // As if the reminder had fallen due five minutes ago.
  const at = new Date(Date.now() - 300_000).toISOString()
  const { body: due } = await ann.createTask({ body: { title: 'due', reminders: [{ at }] } })
  await service.sql`update webhooks set reminded_until = now() - interval '1 hour', remind_at = now() + interval '1 hour' where owner_id = ${id}`
  const seen = deliveries.length
  await eventually(() => expect(deliveries.length).toBeGreaterThan(seen + 1))
  receiver.reply(200)
  await eventually(() => expect(deliveries.map(({ data }) => data.reminder?.taskId)).toContain(due.id))
})

test('a failure of long ago does not disable a webhook that had nothing to send since', async ({ service, onTestFinished }) => {
  const slow = { webhooks: { pollMs: 50, delaysMs: [600_000] } }
  const { ann, id, receiver, hook } = await setUp(service, onTestFinished, slow)
  const hooked = await hook()
  await service.sql`update webhooks set failing_since = now() - interval '3 days', attempts = 1 where owner_id = ${id}`
  receiver.reply(500)
  await create(ann)
  await eventually(async () => expect((await logOf(ann, hooked))[0]).toMatchObject({ state: 'pending', attempts: 1 }))
  expect((await ann.getWebhook({ path: hooked.path })).body.enabled).toBe(true)
})

test('a failure at the URL of before does not hold up the new one', async ({ service, onTestFinished }) => {
  const slow = { webhooks: { pollMs: 50, delaysMs: [600_000] } }
  const { ann, receiver, deliveries, hook } = await setUp(service, onTestFinished, slow)
  const hooked = await hook()
  const patched = Promise.withResolvers<void>()
  receiver.reply(() => patched.promise.then(() => 410))
  await create(ann)
  await eventually(() => expect(deliveries).toHaveLength(1))
  await ann.updateWebhook({ path: hooked.path, body: { url: `${receiver.url}&new` } })
  patched.resolve()
  receiver.reply(200)
  await caughtUp(ann, hooked)
  expect((await ann.getWebhook({ path: hooked.path })).body).toMatchObject({ enabled: true, failingSince: null })
  expect(deliveries.map(each => each.id)).toEqual([deliveries[0]?.id, deliveries[0]?.id])
})

test('a body has at most 256 KiB, or one resource, and the rest follows in order', async ({ service, onTestFinished }) => {
  const { ann, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook({ kinds: ['task'] })
  await ann.updateWebhook({ path: hooked.path, body: { enabled: false } })
  const operations = Array.from({ length: 120 }, (_, i) => ({
    ...{ operationId: 'createTask' as const, body: { title: `task ${i}`, description: 'ü'.repeat(4_000) } },
  }))
  await ann.runBatch({ body: { atomic: true, operations } }) // one change: all of these tasks have the same revision
  await ann.updateWebhook({ path: hooked.path, body: { enabled: true } })
  await caughtUp(ann, hooked)
  expect(deliveries.length).toBeGreaterThan(2)
  for (const { body, data } of deliveries) {
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(256 * 1024)
    expect(data.items.length).toBeLessThanOrEqual(100)
  }
  expect(deliveries.map(({ data }) => data.hasMore)).toEqual(deliveries.map((_, i) => i < deliveries.length - 1))
  expect(new Set(receiver.items().map(({ id }) => id)).size).toBe(120)
  expect(receiver.items()).toHaveLength(120)
})

test('nothing is sent for a deleted webhook or an erased account', async ({ service, onTestFinished }) => {
  const { ann, server, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const [hooked, kept] = [await hook(), await hook()]
  receiver.reply(500)
  await create(ann)
  await eventually(() => expect(new Set(deliveries.map(({ id }) => id)).size).toBe(2))
  await ann.deleteWebhook({ path: hooked.path })
  await eventually(() => {
    const seen = deliveries.length
    return eventually(() => expect(deliveries.slice(seen).map(({ data }) => data.webhookId)).toContain(kept.path.webhookId))
  })
  await ann.deleteUser()
  await eventually(async () =>
    expect([...(await service.sql`select id from webhook_deliveries where webhook_id = ${kept.path.webhookId}`)]).toEqual([]),
  )
  const other = await setUp(service, onTestFinished)
  const another = await other.hook()
  await create(other.ann)
  await caughtUp(other.ann, another)
  expect(server.log.filter(({ msg }) => msg === 'webhooks failed')).toEqual([])
})

test('two servers share the webhooks: nothing arrives twice, and in order', async ({ service, onTestFinished }) => {
  const { ann, id, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, ...webhooks })
  onTestFinished(stop)
  const others = client(url, await tokenOf(id))
  const hooked = await hook({ kinds: ['task'] })
  await Promise.all(Array.from({ length: 60 }, (_, i) => create(i % 2 === 0 ? ann : others, `task ${i}`)))
  await caughtUp(ann, hooked)
  expect(new Set(receiver.items().map(each => each.id)).size).toBe(60)
  expect(receiver.items()).toHaveLength(60)
  expect(new Set(deliveries.map(each => each.id)).size).toBe(deliveries.length)
  const revisions = receiver.items().map(({ revision }) => revision)
  expect(revisions).toEqual(revisions.toSorted((a, b) => a - b))
})

test('a server finds what others have left, also behind its first step', async ({ service, onTestFinished }) => {
  const stepping = { webhooks: { ...fast, stepSize: 1 }, privateWebhooks: true, timeouts: { databaseFactor: 10 } }
  const all = await Promise.all([1, 2, 3].map(() => setUp(service, onTestFinished, { webhooks: 'off' })))
  const hooks = await Promise.all(all.flatMap(({ hook }) => [hook(), hook()]))
  const { stop } = await start({ databaseUrl: service.databaseUrl, ...stepping })
  onTestFinished(stop)
  for (let round = 0; round < 2; round++) {
    await Promise.all(all.map(({ ann }) => create(ann, `round ${round}`)))
    await Promise.all(hooks.map((hooked, i) => caughtUp((all[Math.floor(i / 2)] as (typeof all)[0]).ann, hooked)))
  }
  for (const { receiver } of all) expect(receiver.items().filter(({ kind }) => kind === 'task')).toHaveLength(4)
})

test('an address that has become private is never reached', async ({ service, onTestFinished }) => {
  const { ann, id, receiver, deliveries } = await setUp(service, onTestFinished, { privateWebhooks: false })
  const { body } = await ann.createWebhook({ body: { url: 'https://hooks.example/' } })
  await service.sql`update webhooks set url = ${receiver.url} where owner_id = ${id}`
  await create(ann)
  await eventually(async () =>
    expect((await logOf(ann, { path: { webhookId: body.id } }))[0]).toMatchObject({ responseStatus: null, error: 'PRIVATE_ADDRESS' }),
  )
  await ann.createWebhook({ body: { url: receiver.url } }, 422)
  expect(deliveries).toEqual([])
})

test('a log keeps the last 100 deliveries of a webhook', async ({ service, onTestFinished }) => {
  const { ann, id, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  await service.sql`
    insert into webhook_deliveries (owner_id, webhook_id, id, type, state)
    select ${id}, ${hooked.path.webhookId}, overlay('00000000-0000-7000-8000-000000000000' placing lpad(i::text, 8, '0') from 1)::uuid, 'changes', 'delivered'
    from generate_series(1, 150) as i`
  const task = await create(ann)
  await caughtUp(ann, hooked)
  const [{ count }] = await service.sql<[{ count: number }]>`select count(*)::int from webhook_deliveries where owner_id = ${id}`
  expect(count).toBe(100)
  expect((await logOf(ann, hooked))[0]).toMatchObject({ toRevision: task.revision })
})

test('the receiver of the documentation verifies deliveries', async ({ service, onTestFinished }) => {
  const text = await readFile(new URL('../../src/client/README.md', import.meta.url), 'utf8')
  const code = /^```js\n(\/\/ receiver\.mjs\n.*?)^```$/ms.exec(text)?.[1] as string
  const program = fileURLToPath(new URL('../../.artifacts/receiver.mjs', import.meta.url)) // it finds the library from there
  await writeFile(program, code)
  const { ann, hook } = await setUp(service, onTestFinished)
  const { path, secret } = await hook()
  const port = await freePort()
  const { output } = run({ PORT: String(port), WEBHOOK_SECRET: secret }, { program, atEnd: onTestFinished })
  await eventually(() => expect(output()).toContain('ready'))
  await ann.updateWebhook({ path, body: { url: `http://127.0.0.1:${port}/` } })
  const { id } = await create(ann)
  await eventually(() => expect(output()).toContain(`task ${id} changed`))
  const forged = { 'webhook-id': 'x', 'webhook-timestamp': String(Math.floor(Date.now() / 1000)), 'webhook-signature': 'v1,x' }
  expect((await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}', headers: forged })).status).toBe(401)
})

test('the metrics count attempts by their outcome', async ({ service, onTestFinished }) => {
  const { ann, server, receiver, hook } = await setUp(service, onTestFinished, { metricsPort: 0 })
  const hooked = await hook()
  await create(ann)
  await caughtUp(ann, hooked)
  receiver.reply(410)
  await create(ann)
  await eventually(async () => expect((await ann.getWebhook({ path: hooked.path })).body.enabled).toBe(false))
  const page = await (await fetch(server.metricsUrl as string)).text()
  expect(page).toMatch(/^taskspec_webhook_attempts_total\{outcome="delivered"\} 1$/m)
  expect(page).toMatch(/^taskspec_webhook_attempts_total\{outcome="failed"\} 1$/m)
  expect(page).toMatch(/^taskspec_webhooks_disabled_total 1$/m)
  expect(page).toMatch(/^taskspec_webhook_owners_due \d+$/m)
  expect(page).toMatch(/^taskspec_webhook_requests_in_flight \d+$/m)
  expect(page).toMatch(/^taskspec_webhook_poll_success_timestamp_seconds \d{10}/m)
})

test('at shutdown a server gives its deliveries back, and another one sends them at once', async ({ service, onTestFinished }) => {
  const { ann, id, server, receiver, deliveries, hook } = await setUp(service, onTestFinished)
  const hooked = await hook()
  const gate = Promise.withResolvers<number>()
  receiver.reply(() => gate.promise)
  await create(ann)
  await eventually(() => expect(deliveries).toHaveLength(1))
  await server.stop()
  expect([...(await service.sql`select id from webhooks where owner_id = ${id} and leased_until is not null`)]).toEqual([])
  receiver.reply(200)
  gate.resolve(200)
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, ...webhooks })
  onTestFinished(stop)
  await caughtUp(client(url, await tokenOf(id)), hooked)
  expect(deliveries.map(each => each.id)).toEqual([deliveries[0]?.id, deliveries[0]?.id])
})
