// What makes the benchmark worth reading: every target does the same work and says the same, and the peers check what they claim to.
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase as connect } from '../../src/database/database.ts'
import { createHandlers } from '../../src/handlers/index.ts'
import { createDatabase } from '../support/taskspec.ts'
import { type Operation, operations, type Request } from './operations.ts'
import { eddsa, hs256, type Person, people, refreshed } from './people.ts'
import { plot } from './plot.ts'
import { seed } from './seed.ts'
import { type Running, start, type TargetName, target, targets } from './target.ts'
import { store } from './targets/sql.ts'

const names = Object.keys(targets) as TargetName[]
let base: Awaited<ReturnType<typeof createDatabase>>
let sql: postgres.Sql
let provider: Awaited<ReturnType<typeof eddsa>>
let running: Running[] = []
let ann: { HS256: Person; EdDSA: Person }

beforeAll(async () => {
  base = await createDatabase()
  sql = postgres(base.url, { max: 2, onnotice: () => {} })
  await seed(sql, { accounts: 3, tasks: 30 })
  provider = await eddsa()
  const [[shared], [signed]] = await Promise.all([people(sql, hs256, { count: 1 }), people(sql, provider, { count: 1 })])
  ann = { HS256: shared as Person, EdDSA: signed as Person }
  const settings = { databaseUrl: base.url, poolSize: 2, jwksUrl: provider.jwksUrl }
  running = await Promise.all(names.map(name => start(name, { ...settings, token: person(name).token })))
})
afterAll(async () => {
  await Promise.all(running.map(each => each.stop()))
  provider?.[Symbol.dispose]()
  await sql?.end()
  await base?.drop()
})

const person = (name: TargetName) => ann[target(name).algorithm ?? 'HS256']

describe('every target answers alike to', () => {
  test.each<Operation>(['A', 'B', 'F', 'G'])('%s', async operation => {
    for (const n of [0, 1, 3]) {
      const answers = await Promise.all(running.map(each => ask(each, operations[operation].request(person(each.name), n))))
      const [first] = answers
      expect(operations[operation].statuses).toContain(first?.status)
      expect(operation === 'G' || JSON.stringify(first?.body).length > 300).toBe(true)
      for (const answer of answers) expect(answer).toEqual(first)
    }
  })

  test.each<Operation>(['C', 'D'])('%s, apart from what each makes anew', async operation => {
    const answers: Awaited<ReturnType<typeof ask>>[] = []
    for (const each of running) {
      const [{ revision }] = (await refreshed(sql, [person(each.name)])) as [Person]
      const answer = await ask(each, operations[operation].request(person(each.name), 1))
      const { id, createdAt, updatedAt, ...body } = answer.body
      expect([body.revision, answer.etag]).toEqual([revision + 1, `"${revision + 1}"`])
      expect(answer.location).toBe(operation === 'C' ? `/v1/users/${person(each.name).id}/tasks/${id}` : null)
      for (const instant of [createdAt, updatedAt]) expect(instant).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
      answers.push({ status: answer.status, etag: null, location: null, body: { ...body, revision: 0 } })
    }
    expect(operations[operation].statuses).toContain(answers[0]?.status)
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })
})

test('every target refuses who has no valid token', async () => {
  for (const each of running) {
    const { headers, ...request } = operations.A.request(person(each.name), 0)
    const forged = `${headers.Authorization?.slice(0, -6)}AAAAAA`
    for (const Authorization of ['', forged])
      expect((await ask(each, { ...request, headers: { Authorization } })).status, each.name).toBe(401)
  }
})

test('every target but the bare ones refuses what breaks the schema', async () => {
  for (const each of running.filter(({ name }) => !name.startsWith('bare'))) {
    const list = operations.A.request(person(each.name), 0)
    const create = operations.C.request(person(each.name), 0)
    const wrong = [
      { ...list, path: list.path.replace('limit=20', 'limit=101') },
      { ...list, path: list.path.replace('/me/', '/somebody/') },
      { ...list, path: list.path.replace('?limit=20', '/not-an-id') },
      { ...create, body: JSON.stringify({ title: 'a', priority: 'urgent' }) },
      { ...create, body: JSON.stringify({}) },
    ]
    for (const request of wrong) expect([400, 403, 422], `${each.name} ${request.path}`).toContain((await ask(each, request)).status)
  }
})

test("the targets send the server's own statements", async () => {
  const sent: { ours: string[]; theirs: string[] } = { ours: [], theirs: [] }
  const db = connect({ url: base.url, poolSize: 1, observe: text => sent.ours.push(plain(text)) })
  const handlers = createHandlers(db, () => false)
  const theirs = store({ databaseUrl: base.url, poolSize: 1, maxPipeline: 0 }, text => sent.theirs.push(plain(text)))
  const { id: owner, taskIds } = ann.HS256
  const claims = { email: null, name: null }
  const none = undefined as never // these operations have no query
  const path = { userId: 'me', taskId: taskIds[0] as string }
  const filters = { limit: 20, sort: '-createdAt' as const }
  const body = JSON.parse(operations.C.request(ann.HS256, 0).body as string)

  for (const filter of [{}, { completed: false, priority: ['high' as const] }, { completed: false, q: 'ferry' }]) {
    await handlers.listTasks({ owner, claims, path, query: { ...filters, ...filter }, headers: {}, body: undefined })
    await theirs.list(owner, { limit: 20, ...filter })
  }
  await handlers.getTask({ owner, claims, path, query: none, headers: {}, body: undefined })
  await theirs.get(owner, path.taskId)
  await handlers.createTask({ owner, claims, path, query: none, headers: {}, body: { ...body, completed: false } })
  await theirs.create({ id: owner, ...claims }, body)
  await handlers.listTasks({ owner, claims, path, query: filters, headers: { 'if-none-match': '*' }, body: undefined })
  await theirs.revision(owner)
  await Promise.all([db.close(), theirs.close()])

  expect(sent.ours).toHaveLength(6)
  expect(sent.theirs).toEqual(sent.ours)
})

test('the picture names every target and stays within its frame', () => {
  const picture = plot(
    'a',
    ['A list', 'B get'],
    [
      { name: 'ours', values: [0.97, undefined] },
      { name: 'bare', values: [1, 2.4] },
    ],
  )
  expect(picture.match(/<title>(.*?)<\/title>/g)).toEqual([
    '<title>ours, A list: 0.97</title>',
    '<title>bare, A list: 1.00</title>',
    '<title>bare, B get: 2.40</title>',
  ])
  for (const [, y] of picture.matchAll(/ y="([\d.]+)"/g)) expect(Number(y)).toBeLessThan(360)
  expect(picture).not.toMatch(/NaN|undefined/)
})

async function ask({ url }: Running, { method, path, headers, body }: Request) {
  const response = await fetch(url + path, { method, headers, ...(body !== undefined && { body }) })
  const text = await response.text()
  const { headers: got, status } = response
  return { status, etag: got.get('etag'), location: got.get('location'), body: text === '' ? null : JSON.parse(text) }
}

/** A statement without its line breaks, the numbers and types of what it is given, and the owner that it only says for the server. */
const plain = (text: string) =>
  text
    .replace(/\s+/g, ' ')
    .replace(/\( | (?=\))/g, match => match.trim())
    .replace(/\$\d+(::[a-z_]+(\[\])?)*/g, '$')
    .replace('t.owner_id as owner, ', '')
    .trim()
