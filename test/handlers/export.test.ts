// The export of an account: its three forms, changes while it is read, and every way in which it ends early.
import { setImmediate as turn } from 'node:timers/promises'
import type postgres from 'postgres'
import { describe, expect, onTestFinished, vi } from 'vitest'
import { readTodos } from '../../src/exchange/calendar-todos.ts'
import { readCsv } from '../../src/exchange/csv.ts'
import { createLine } from '../faults/line.ts'
import { type Client, client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { operation, resolved } from '../support/spec.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'

type Line = { kind: string; id: string; revision: number; parentId?: string | null } & Record<string, unknown>
type Format = 'ndjson' | 'csv' | 'ics'

const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
const lastOfEach = (lines: Line[]) => new Map(lines.map(line => [`${line.kind} ${line.id}`, line]))
const exported = async (user: Client, format?: Format) => (await user.exportAccount(format && { query: { format } })).body

/** The ids of the tasks in a file, in its order. */
async function idsIn(format: Format, text: string): Promise<string[]> {
  if (format === 'ndjson') return linesOf(text).flatMap(({ kind, id }) => (kind === 'task' ? id : []))
  async function* source() {
    yield text
  }
  const rows = format === 'csv' ? readCsv(source(), { seed: '', today: '2027-03-01' }) : readTodos(source())
  const ids: string[] = []
  for await (const row of rows) ids.push('item' in row ? (row.item.id as string) : expect.fail(JSON.stringify(row)))
  return ids
}

/** Inserts tasks with descriptions that are long enough that the buffers of no system take all of them. */
async function insertTasks(sql: postgres.Sql, owner: string, count: number) {
  await sql`
    insert into tasks (owner_id, id, title, description, priority, labels, revision)
    select ${owner}, gen_random_uuid(), 'Task ' || number, repeat('x', 10000), 'none', '{}', 1
    from generate_series(1, ${count}::int) as number`
}

/** Begins an export whose client reads only as it is told. */
async function open(url: string, token: string, format: Format = 'ndjson') {
  const response = await fetch(`${url}/v1/users/me/export?format=${format}`, { headers: { authorization: `Bearer ${token}` } })
  expect(response.status).toBe(200)
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  async function read() {
    const { done, value } = await reader.read()
    text += decoder.decode(value, { stream: !done })
    return !done
  }
  return {
    read,
    async rest() {
      while (await read());
      return text
    },
    cancel: () => reader.cancel(),
  }
}

describe('exportAccount', () => {
  test('has the profile, the categories and each task after its parent', async ({ as }) => {
    const ann = await as('ann', { email: 'ann@example.com' })
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    // The id of the subtask is the smaller one.
    const [child, parent] = ['019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', '019c5a22-0d3b-7e62-9b1f-3a5d7c9e0f12']
    await ann.putTask({ path: { taskId: parent }, body: { title: 'Pack', categoryId: home.id } })
    await ann.putTask({ path: { taskId: child }, body: { title: 'Socks', parentId: parent } })
    const { body: gone } = await ann.createTask({ body: { title: 'Gone' } })
    await ann.deleteTask({ path: { taskId: gone.id } })

    const { body, headers } = await ann.exportAccount()
    expect(headers.get('content-type')).toBe('application/x-ndjson')
    const tasks = await Promise.all([parent, child].map(async taskId => (await ann.getTask({ path: { taskId } })).body))
    expect(linesOf(body)).toEqual([
      { kind: 'profile', ...(await ann.getUser()).body },
      { kind: 'category', ...home },
      ...tasks.map(task => ({ kind: 'task', ...task })),
    ])
  })

  test.for([
    ['ndjson', 'application/x-ndjson'],
    ['csv', 'text/csv; charset=utf-8'],
    ['ics', 'text/calendar; charset=utf-8'],
  ] as const)('as %s has all tasks and the names of their categories', async ([format, type], { as }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Hömé' } })
    const { body: parent } = await ann.createTask({ body: { title: 'Pack', categoryId: home.id } })
    const { body: child } = await ann.createTask({ body: { title: 'Socks', parentId: parent.id } })
    const { body, headers } = await ann.exportAccount({ query: { format } })
    expect(headers.get('content-type')).toBe(type)
    expect(headers.get('content-disposition')).toMatch(new RegExp(`^attachment; filename="taskspec-[\\d-]{10}\\.${format}"$`))
    expect(await idsIn(format, body)).toEqual([parent.id, child.id])
    expect(body).toContain('Hömé')
  })

  test('makes the account on first contact', async ({ as }) => {
    const ann = await as('ann', { name: 'Ann' })
    expect(linesOf(await exported(ann))).toEqual([{ kind: 'profile', ...(await ann.getUser()).body }])
    expect(await exported(await as('bob'), 'csv')).toMatch(/^id,parentId,[^\n]*\r\n$/)
    expect(await exported(await as('eve'), 'ics')).toMatch(/^BEGIN:VCALENDAR\r\n[\s\S]*END:VCALENDAR\r\n$/)
  })

  test('has more tasks than a page, at several depths', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    await ann.getUser()
    for (const depth of [0, 1])
      await sql`
        insert into tasks (owner_id, id, title, priority, labels, revision, depth, parent_id)
        select ${ann.id}, md5(${depth} || '-' || number)::uuid, 'x', 'none', '{}', 1, ${depth}::int,
          case when ${depth} = 1 then md5('0-' || number)::uuid end
        from generate_series(1, 1000) as number`
    for (const format of ['ndjson', 'csv', 'ics'] as const) {
      const ids = await idsIn(format, await exported(ann, format))
      expect([ids.length, new Set(ids).size]).toEqual([2000, 2000])
    }
    const position = new Map(linesOf(await exported(ann)).map(({ id }, i) => [id, i]))
    for (const { id, parentId } of linesOf(await exported(ann)))
      if (parentId) expect(position.get(id)).toBeGreaterThan(position.get(parentId) as number)
  })

  test('refuses an unknown format', async ({ as }) => {
    const ann = await as('ann')
    const { body } = await ann.exportAccount({ query: { format: 'xml' as Format } }, 422)
    expect(body.errors).toMatchObject([{ pointer: '/format', location: 'query', code: 'enum' }])
  })

  test('needs a token, and that of the owner', async ({ as, anonymous }) => {
    await anonymous.exportAccount({}, 401)
    await (await as('ann')).exportAccount({ path: { userId: 'bob' } }, 403)
  })

  test('is the example of the contract but for its values', async ({ as }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Travel' } })
    await ann.createTask({ body: { title: 'Book', categoryId: home.id } })
    const content = operation('exportAccount').responses[200]?.content ?? {}
    const example = (type: string) => Object.values(content[type]?.examples ?? {}).map(each => resolved(each).value as string)[0] as string
    const fields = (text: string) => linesOf(text).map(Object.keys)
    expect(fields(await exported(ann))).toEqual(fields(example('application/x-ndjson')))
    const header = (text: string) => text.split('\r\n', 1)
    expect(header(await exported(ann, 'csv'))).toEqual(header(example('text/csv')))
    const start = (text: string) => text.split('UID:')[0]
    expect(start(await exported(ann, 'ics'))).toBe(start(example('text/calendar')))
  })
})

describe('while others write', () => {
  test.for(['ndjson', 'csv', 'ics'] as const)(
    'as %s misses and doubles no task, and NDJSON ends with the account as it is',
    { timeout: 120_000 },
    async (format, { as, service: { sql, url } }) => {
      const ann = await as('ann')
      const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
      await insertTasks(sql, ann.id, 1500)
      const rows = await sql<{ id: string }[]>`select id from tasks where owner_id = ${ann.id} order by id`
      const ids = rows.map(({ id }) => id)

      const file = await open(url, await tokenOf(ann.id), format)
      await file.read()
      const created: string[] = []
      const deleted: string[] = []
      /** Each writer has tasks of its own at the beginning and at the end of the scan. */
      async function write(number: number) {
        const [first, second, third, fourth, fifth] = [0, 8, -1, -9, -17].map(from => ids.at(from < 0 ? from - number : from + number))
        const move = (taskId = '', parentId: string | null = null) => ann.moveTask({ path: { taskId }, body: { parentId } })
        const title = { title: 'New', parentId: fourth as string }
        // Too many changes at the same time are 503, and have changed nothing.
        await eventually(() => ann.updateTask({ path: { taskId: first as string }, body: { title: 'Changed', categoryId: home.id } }))
        await eventually(() => move(third, second))
        await eventually(() => move(first, third))
        await eventually(() => move(third))
        created.push((await eventually(() => ann.createTask({ body: title }))).body.id)
        await eventually(() => ann.deleteTask({ path: { taskId: fifth as string } }))
        deleted.push(fifth as string)
      }
      await Promise.all(Array.from({ length: 8 }, (_, number) => write(number)))
      await ann.updateCategory({ path: { categoryId: home.id }, body: { name: 'House' } })
      await ann.updateUser({ body: { name: 'Ann' } })
      const text = await file.rest()

      const found = await idsIn(format, text)
      const kept = ids.filter(id => !deleted.includes(id))
      expect(kept.filter(id => !found.includes(id))).toEqual([])
      if (format !== 'ndjson') return void expect(found.length).toBe(new Set(found).size)
      const lines = lastOfEach(linesOf(text))
      for (const id of deleted) lines.delete(`task ${id}`)
      expect(created.filter(id => !found.includes(id))).toEqual([])
      expect(lines).toEqual(lastOfEach(linesOf(await exported(ann))))
    },
  )

  test('reads changes of more tasks than a page in rounds', { timeout: 120_000 }, async ({ as, service: { sql, url } }) => {
    const ann = await as('ann')
    await ann.getUser()
    await insertTasks(sql, ann.id, 1500)
    const file = await open(url, await tokenOf(ann.id))
    await file.read()
    await sql`
      with change as (update users set revision = revision + 1 where id = ${ann.id} returning revision)
      update tasks set title = 'Changed', description = null, revision = change.revision from change where owner_id = ${ann.id}`
    const lines = lastOfEach(linesOf(await file.rest()))
    expect(lines).toEqual(lastOfEach(linesOf(await exported(ann))))
    expect([...lines.values()].filter(({ title }) => title === 'Changed')).toHaveLength(1500)
  })
})

describe('ends early', () => {
  /** A server with a large account whose connection to the database can fail. */
  async function serve(databaseUrl: string, sql: postgres.Sql) {
    const line = await createLine(onTestFinished, databaseUrl)
    const statements: string[] = []
    const server = await start({ databaseUrl: line.url, observe: text => statements.push(text) })
    onTestFinished(server.stop)
    const owner = `large-${statements.length}-${line.port}`
    const token = await tokenOf(owner)
    await vi.waitFor(() => client(server.url, token).getUser(), 30_000)
    await insertTasks(sql, owner, 1500)
    const logged = () => server.log.find(each => each.operation === 'exportAccount')
    return { ...server, line, token, statements, logged }
  }

  test('visibly broken when the database is lost', { timeout: 120_000 }, async ({ service: { databaseUrl, sql } }) => {
    const { url, token, line, logged } = await serve(databaseUrl, sql)
    const file = await open(url, token)
    await file.read()
    line.hangUp()
    await expect(file.rest()).rejects.toThrow()
    await vi.waitFor(() => expect(logged()).toMatchObject({ level: 50, status: 200, outcome: 'failed' }))
  })

  test('not when a connection is lost: the page is read again', { timeout: 120_000 }, async ({ service: { databaseUrl, sql } }) => {
    const { url, token, line } = await serve(databaseUrl, sql)
    const file = await open(url, token)
    await file.read()
    line.reset()
    expect((await idsIn('ndjson', await file.rest())).length).toBe(1500)
  })

  test('when its client has gone: no further page is read', { timeout: 120_000 }, async ({ service: { databaseUrl, sql } }) => {
    const { url, token, statements, logged } = await serve(databaseUrl, sql)
    const file = await open(url, token)
    await file.read()
    await file.cancel()
    await vi.waitFor(() => expect(logged()).toMatchObject({ status: 200, outcome: 'aborted' }))
    const count = statements.length
    for (let turns = 0; turns < 100; turns++) await turn()
    expect(statements.length).toBeLessThanOrEqual(count + 1)
    expect(statements.filter(text => text.includes('(item.revision, item.id) >'))).toEqual([])
  })

  test('not at shutdown, which waits for it', { timeout: 120_000 }, async ({ service: { databaseUrl, sql } }) => {
    const { url, token, stop } = await serve(databaseUrl, sql)
    const file = await open(url, token)
    await file.read()
    const stopped = stop()
    expect((await idsIn('ndjson', await file.rest())).length).toBe(1500)
    await stopped
  })
})
