// The layers http, pipeline, resource and database know no tasks: a second API with a document of its own runs on them, and the checks of the
// product hold it too: ownership, coverage of the document, and the audit of its statements.
import { readdirSync, readFileSync } from 'node:fs'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { migrate } from '../../src/database/migrate.ts'
import { cases } from '../support/checks.ts'
import { readSpec } from '../support/spec.ts'
import { createStatementAudit } from '../support/statement-audit.ts'
import { createDatabase, start, tokenOf } from '../support/taskspec.ts'
import { api } from './notes.ts'

const spec = readSpec(api.document)
const audit = createStatementAudit({ owners: { owners: 'id', notes: 'owner_id' }, tombstones: ['notes'] })
const statements: string[] = []
const seen = new Set<string>()
let url: string
let sql: postgres.Sql
const cleanUp: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  const database = await createDatabase('template0')
  cleanUp.unshift(database.drop)
  await migrate(parseDatabaseUrl(database.url), { quiet: true, directory: api.migrations })
  sql = postgres(database.url, { max: 1, onnotice: () => {} })
  cleanUp.unshift(() => sql.end())
  const server = await start({ databaseUrl: database.url, api, observe: text => statements.push(text) })
  cleanUp.unshift(server.stop)
  url = server.url
})
afterAll(async () => {
  for (const each of cleanUp) await each()
})

type Ids = { userId?: string; noteId?: string }
type Sent = { as?: string | null; query?: string; headers?: Record<string, string>; body?: unknown } & Ids

/** Sends a request, and holds the reply to the document. */
async function ask(operationId: string, { as = 'ann', query = '', headers = {}, body, userId = 'me', noteId = '' }: Sent = {}) {
  const operation = spec.operation(operationId)
  const path = operation.path.replace('{userId}', userId).replace('{noteId}', noteId)
  const response = await fetch(`${url}${path}${query}`, {
    method: operation.method,
    headers: {
      ...(as !== null && { authorization: `Bearer ${await tokenOf(as)}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const reply = { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  expect(spec.violations(operation, reply)).toEqual([])
  seen.add(`${operationId} ${reply.status}`)
  return reply
}

const create = async (as: string, text: string) =>
  (await ask('createNote', { as, body: { text } })).body as { id: string; revision: number }
const rows = async () =>
  JSON.stringify(await sql`select owners::text, notes::text from owners left join notes on owner_id = owners.id order by 1, 2`)

describe('notes', () => {
  test('are created, read, changed under an ETag and deleted', async () => {
    const note = await create('ann', 'Pack')
    const path = { noteId: note.id }
    const etag = `"${note.revision}"`
    expect((await ask('getNote', { ...path, headers: { 'if-none-match': etag } })).status).toBe(304)
    expect((await ask('updateNote', { ...path, body: { text: 'Unpack' }, headers: { 'if-match': etag } })).body).toMatchObject({
      text: 'Unpack',
    })
    expect((await ask('updateNote', { ...path, body: { text: 'x' }, headers: { 'if-match': etag } })).status).toBe(412)
    expect((await ask('deleteNote', path)).status).toBe(204)
    for (const [operation, body] of [['getNote'], ['updateNote', { text: 'x' }], ['deleteNote']] as const)
      expect((await ask(operation, { ...path, body })).status).toBe(404)
  })

  test('are listed in pages', async () => {
    const ids = await Promise.all([1, 2, 3].map(async number => (await create('lister', `note ${number}`)).id))
    const first = (await ask('listNotes', { as: 'lister', query: '?limit=2' })).body
    const second = (await ask('listNotes', { as: 'lister', query: `?limit=2&cursor=${first.nextCursor}` })).body
    expect([...first.items, ...second.items].map(({ id }: { id: string }) => id)).toEqual(ids.toSorted())
    expect(second.nextCursor).toBeNull()
    const etag = (await ask('listNotes', { as: 'lister' })).headers.get('etag') as string
    expect((await ask('listNotes', { as: 'lister', headers: { 'if-none-match': etag } })).status).toBe(304)
  })

  test('of several owners share a statement', async () => {
    const owners = Array.from({ length: 8 }, (_, i) => `sharing${i}`)
    await Promise.all(owners.map(each => create(each, 'first')))
    const before = statements.length
    const created = await Promise.all(owners.map(each => create(each, `of ${each}`)))
    expect(statements.slice(before).some(text => text.includes('json_to_recordset'))).toBe(true)
    for (const [i, owner] of owners.entries())
      expect((await ask('getNote', { as: owner, noteId: created[i]?.id as string })).body.text).toBe(`of ${owner}`)
  })

  test.each([
    ['listNotes', { query: '?limit=0' }],
    ['listNotes', { query: '?cursor=forged' }],
    ['createNote', { body: { text: '' } }],
    ['getNote', { noteId: 'x' }],
    ['updateNote', { noteId: 'x', body: {} }],
    ['deleteNote', { noteId: 'x' }],
  ] as const)('%s refuses %j with 422', async (operationId, sent) => {
    expect((await ask(operationId, sent)).status).toBe(422)
  })
})

const operations = spec.operations.map(({ operationId, path, requestBody }) => ({ operationId, path, body: requestBody && { text: 'x' } }))

test.for(cases(operations))('$operationId is 401 without a token, 403 in the space of another user, and changes nothing', async each => {
  const { operationId, body } = each
  const { id: noteId } = await create('ann', 'mine')
  const before = await rows()
  for (const userId of ['ann', 'nobody', 'me']) expect((await ask(operationId, { as: null, userId, noteId, body })).status).toBe(401)
  for (const userId of ['ann', 'nobody']) expect((await ask(operationId, { as: 'eve', userId, noteId, body })).status).toBe(403)
  expect(await rows()).toBe(before)
})

const ofOneNote = operations.filter(({ path }) => path.includes('{noteId}'))
test.for(cases(ofOneNote))('$operationId is 404 for the note of another user, and changes nothing', async ({ operationId, body }) => {
  await create('eve', 'own')
  const { id: noteId } = await create('ann', 'mine')
  const before = await rows()
  expect((await ask(operationId, { as: 'eve', noteId, body })).status).toBe(404)
  expect(await rows()).toBe(before)
})

describe('the whole run', () => {
  test('has seen every declared reply', () => {
    const declared = spec.operations.flatMap(({ operationId, responses }) =>
      Object.keys(responses).map(status => `${operationId} ${status}`),
    )
    expect([...seen].sort()).toEqual(declared.sort())
  })

  test('has sent only statements that bind the owner and leave out tombstones', async () => {
    const distinct = [...new Set(statements)].filter(text => /\b(notes|owners)\b/.test(text))
    for (const part of ['insert into notes', 'update notes', 'from notes', 'deleted_at = now()', 'json_to_recordset'])
      expect(
        distinct.filter(text => text.includes(part)),
        part,
      ).not.toEqual([])
    const faults = await Promise.all(distinct.map(async text => ({ text, faults: await audit(text) })))
    expect(faults.filter(each => each.faults.length > 0)).toEqual([])
  })

  test('needed less than 150 lines for the second API', () => {
    const here = new URL('.', import.meta.url)
    const files = ['notes.yaml', 'notes.ts', ...readdirSync(new URL('migrations/', here)).map(file => `migrations/${file}`)]
    const lines = files.map(file => readFileSync(new URL(file, here), 'utf8').split('\n').length - 1)
    expect(lines.reduce((sum, each) => sum + each, 0)).toBeLessThan(150)
  })
})

test('no layer of the kernel names a resource of the product', () => {
  const root = new URL('../../src/', import.meta.url)
  const kernel = ['http', 'pipeline', 'resource', 'database', 'observe', 'contract', 'auth'].flatMap(layer =>
    readdirSync(new URL(`${layer}/`, root)).map(file => `${layer}/${file}`),
  )
  const code = (file: string) => readFileSync(new URL(file, root), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  expect(kernel.length).toBeGreaterThan(30)
  expect(kernel.filter(file => /\b(tasks?|categor(y|ies))\b|\b(from|join|into|update) users\b/i.test(code(file)))).toEqual([])
})
