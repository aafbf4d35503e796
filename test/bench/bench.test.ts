// The benchmark is fair: every target sends the same statements and replies, and the peers authenticate and validate.
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase as connect } from '../../src/database/database.ts'
import { createHandlers } from '../../src/handlers/index.ts'
import { createDatabase } from '../support/taskspec.ts'
import { addLeanTables } from './lean.ts'
import { plot } from './plot.ts'
import { seed } from './seed.ts'
import { surroundings } from './surroundings.ts'
import { type Running, start, type TargetName, target, targets } from './target.ts'
import { store } from './targets/sql.ts'
import { eddsa, hs256, loadUsers, refreshUsers, type User } from './users.ts'
import { type Request, type Workload, workloads } from './workloads.ts'

const names = Object.keys(targets) as TargetName[]
let base: Awaited<ReturnType<typeof createDatabase>>
let sql: postgres.Sql
let provider: Awaited<ReturnType<typeof eddsa>>
let running: Running[] = []
let ann: { HS256: User; EdDSA: User }

beforeAll(async () => {
  base = await createDatabase()
  sql = postgres(base.url, { max: 2, onnotice: () => {} })
  await seed(sql, { accounts: 3, tasks: 30 })
  await addLeanTables(sql)
  provider = await eddsa()
  const [[shared], [signed]] = await Promise.all([loadUsers(sql, hs256, { count: 1 }), loadUsers(sql, provider, { count: 1 })])
  ann = { HS256: shared as User, EdDSA: signed as User }
  const settings = { databaseUrl: base.url, poolSize: 2, jwksUrl: provider.jwksUrl }
  running = await Promise.all(names.map(name => start(name, { ...settings, token: user(name).token })))
})
afterAll(async () => {
  await Promise.all(running.map(each => each.stop()))
  provider?.[Symbol.dispose]()
  await sql?.end()
  await base?.drop()
})

const user = (name: TargetName) => ann[target(name).algorithm ?? 'HS256']

describe('every target gives the same reply to', () => {
  test.each<Workload>(['list', 'get', 'filtered', 'unchanged', 'search'])('%s', async workload => {
    const able = running.filter(({ name }) => !target(name).lean || target(name).workloads?.includes(workload))
    for (const n of [0, 1, 3]) {
      const replies = await Promise.all(able.map(each => ask(each, workloads[workload].request(user(each.name), n))))
      const [first] = replies
      expect(workloads[workload].statuses).toContain(first?.status)
      expect(workload === 'unchanged' || JSON.stringify(first?.body).length > 300).toBe(true)
      for (const reply of replies) expect(reply).toEqual(first)
    }
  })

  test.each<Workload>(['create', 'update'])('%s, apart from generated values', async workload => {
    const replies: Awaited<ReturnType<typeof ask>>[] = []
    for (const each of running) {
      const [{ revision }] = (await refreshUsers(sql, [user(each.name)], target(each.name).lean ? 'lean' : 'public')) as [User]
      const reply = await ask(each, workloads[workload].request(user(each.name), 1))
      const { id, sortKey, createdAt, updatedAt, ...body } = reply.body
      expect([body.revision, reply.etag]).toEqual([revision + 1, `"${revision + 1}"`])
      expect(reply.location).toBe(workload === 'create' ? `/v1/users/${user(each.name).id}/tasks/${id}` : null)
      expect(sortKey).toMatch(/^m[0-9a-f]{13}$/)
      for (const instant of [createdAt, updatedAt]) expect(instant).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
      replies.push({ status: reply.status, etag: null, location: null, body: { ...body, revision: 0 } })
    }
    expect(workloads[workload].statuses).toContain(replies[0]?.status)
    for (const reply of replies) expect(reply).toEqual(replies[0])
  })
})

describe('this server, in each of its settings, gives the same reply to', () => {
  const ours = () => running.filter(({ name }) => target(name).file.endsWith('src/main.ts'))

  test.each<Workload>(['subtree', 'summary'])('%s', async workload => {
    const replies = await Promise.all(ours().map(each => ask(each, workloads[workload].request(user(each.name), 0))))
    expect(replies.length).toBeGreaterThan(3)
    if (workload === 'subtree') expect(replies[0]?.body.items.map(({ id }: { id: string }) => id)).toEqual(ann.HS256.treeIds)
    else expect(replies[0]?.body.open).toBeGreaterThan(10)
    for (const reply of replies) expect(reply).toEqual(replies[0])
  })

  test('batch, which creates 200 tasks', async () => {
    for (const each of ours()) {
      const { status, body } = await ask(each, workloads.batch.request(user(each.name), 0))
      expect([status, new Set(body.results.map((result: { status: number }) => result.status))]).toEqual([200, new Set([201])])
      expect(body.results).toHaveLength(200)
    }
  })

  test('restore, which deletes a task and restores it', async () => {
    for (const each of ours()) {
      const { status, body } = await ask(each, workloads.restore.request(user(each.name), 0))
      expect([status, body.results.map((result: { status: number }) => result.status)]).toEqual([200, [204, 200]])
    }
  })

  test('complete, which completes every task below and then reopens it', async () => {
    for (const each of ours()) {
      const states: boolean[] = []
      for (let n = 0; n < 20; n++) states.push((await ask(each, workloads.complete.request(user(each.name), n))).body.completed)
      expect(states).toEqual(Array.from({ length: 20 }, (_, n) => n < 10))
    }
  })
})

test('every target refuses a request without a valid token', async () => {
  for (const each of running) {
    const { headers, ...request } = workloads.list.request(user(each.name), 0)
    const forged = `${headers.Authorization?.slice(0, -6)}AAAAAA`
    for (const Authorization of ['', forged])
      expect((await ask(each, { ...request, headers: { Authorization } })).status, each.name).toBe(401)
  }
})

test('every target except the bare ones refuses a request that breaks the schema', async () => {
  for (const each of running.filter(({ name }) => !name.startsWith('bare'))) {
    const list = workloads.list.request(user(each.name), 0)
    const create = workloads.create.request(user(each.name), 0)
    const invalid = [
      { ...list, path: list.path.replace('limit=20', 'limit=101') },
      { ...list, path: list.path.replace('/me/', '/somebody/') },
      { ...list, path: list.path.replace('?limit=20', '/not-an-id') },
      { ...create, body: JSON.stringify({ title: 'a', priority: 'urgent' }) },
      { ...create, body: JSON.stringify({}) },
    ]
    for (const request of invalid) expect([400, 403, 422], `${each.name} ${request.path}`).toContain((await ask(each, request)).status)
  }
})

test('the targets send the same statements as the server', async () => {
  const sent: { ours: string[]; theirs: string[] } = { ours: [], theirs: [] }
  const db = connect({ url: parseDatabaseUrl(base.url), poolSize: 1, observe: text => sent.ours.push(plain(text)) })
  const none = undefined as never // these operations have no query, execute no others, describe no problem and open no stream
  const handlers = createHandlers(db, surroundings)
  const theirs = store({ databaseUrl: base.url, poolSize: 1, maxPipeline: 0, searchPath: 'public' }, text => sent.theirs.push(plain(text)))
  const { id: owner, taskIds } = ann.HS256
  await sql`update users set start_revision = revision where id = ${owner}` // as small as an account of the benchmark
  const claims = { email: null, name: null }
  const path = { userId: 'me', taskId: taskIds[0] as string }
  const filters = { limit: 20, sort: '-createdAt' as const }
  const body = JSON.parse(workloads.create.request(ann.HS256, 0).body as string)

  for (const filter of [{}, { completed: false, priority: ['high' as const] }]) {
    await handlers.listTasks({
      owner,
      claims,
      path,
      query: { ...filters, ...filter },
      headers: {},
      body: undefined,
      operations: none,
      describe: none,
    })
    await theirs.list(owner, { limit: 20, ...filter })
  }
  await handlers.getTask({ owner, claims, path, query: none, headers: {}, body: undefined, operations: none, describe: none })
  await theirs.get(owner, path.taskId)
  await handlers.createTask({
    owner,
    claims,
    path,
    query: none,
    headers: {},
    body: { ...body, completed: false, parentId: null, sortKey: null, reminders: [], recurrence: null },
    operations: none,
    describe: none,
  })
  await theirs.create({ id: owner, ...claims }, body)
  await handlers.listTasks({
    owner,
    claims,
    path,
    query: filters,
    headers: { 'if-none-match': '*' },
    body: undefined,
    operations: none,
    describe: none,
  })
  await theirs.revision(owner)
  await Promise.all([db.close(), theirs.close()])

  expect(sent.ours).toHaveLength(5)
  expect(sent.theirs).toEqual(sent.ours)
})

test('the chart names every target and stays within its frame', () => {
  const chart = plot(
    'a',
    ['list', 'get'],
    [
      { name: 'ours', values: [0.97, undefined] },
      { name: 'bare', values: [1, 2.4] },
    ],
  )
  expect(chart.match(/<title>(.*?)<\/title>/g)).toEqual([
    '<title>ours, list: 0.97</title>',
    '<title>bare, list: 1.00</title>',
    '<title>bare, get: 2.40</title>',
  ])
  for (const [, y] of chart.matchAll(/ y="([\d.]+)"/g)) expect(Number(y)).toBeLessThan(360)
  expect(chart).not.toMatch(/NaN|undefined/)
})

async function ask({ url }: Running, { method, path, headers, body }: Request) {
  const response = await fetch(url + path, { method, headers, ...(body !== undefined && { body }) })
  const text = await response.text()
  const { headers: got, status } = response
  return { status, etag: got.get('etag'), location: got.get('location'), body: text === '' ? null : JSON.parse(text) }
}

/** A statement without line breaks, without numbers and types of its parameters, and without the owner column that only batching needs. */
const plain = (text: string) =>
  text
    .replace(/\s+/g, ' ')
    .replace(/\( | (?=\))/g, match => match.trim())
    .replace(/\$\d+(::[a-z_]+(\[\])?)*/g, '$')
    .replace('item.owner_id as owner, ', '')
    .replaceAll('"', '')
    .trim()
