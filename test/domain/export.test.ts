// The export of an account in pages: changes while it is read, and every way in which it ends early.
import { setImmediate as turn } from 'node:timers/promises'
import type postgres from 'postgres'
import { describe, expect, onTestFinished } from 'vitest'
import { createLine } from '../faults/line.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { exported, type Format, idsIn, type Line, linesOf } from '../support/export.ts'
import { test as base, type Service, start, tokenOf } from '../support/taskspec.ts'

const lastOfEach = (lines: Line[]) => new Map(lines.map(line => [`${line.kind} ${line.id}`, line]))

/** `large`: the user id of an account that the tests only read. */
const test = base.extend<{ $file: { large: string } }>({
  large: [
    async ({ service: { url, sql } }, use) => {
      const id = 'large'
      await client(url, await tokenOf(id)).getUser()
      await insertTasks(sql, id, 1500)
      await use(id)
    },
    { scope: 'file' },
  ],
})

/**
 * Inserts tasks with descriptions that are long enough that the buffers of no system take all of them. They have no words, because
 * PostgreSQL would take longer to index those than for all the rest of the test.
 */
async function insertTasks(sql: postgres.Sql, owner: string, count: number) {
  await sql`
    insert into tasks (owner_id, id, title, description, priority, labels, revision)
    select ${owner}, gen_random_uuid(), 'Task ' || number, repeat('.', 10000), 'none', '{}', 1
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

describe('while others write', () => {
  test.for(['ndjson', 'csv', 'ics'] as const)(
    'as %s misses and doubles no task, and NDJSON ends with the account as it is',
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

  test('reads changes of more tasks than a page in rounds', async ({ as, service: { sql, url } }) => {
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
  /** Another server with this account, whose connection to the database can fail. */
  async function serve({ databaseUrl }: Service, owner: string, databaseFactor = 10) {
    const line = await createLine(onTestFinished, databaseUrl)
    const statements: string[] = []
    const server = await start({
      ...{ databaseUrl: line.url, timeouts: { databaseFactor } },
      observe: text => statements.push(text),
    })
    let stopped: Promise<void> | undefined
    const stop = () => (stopped ??= server.stop())
    onTestFinished(stop)
    const logged = () => server.log.find(each => each.operation === 'exportAccount')
    return { ...server, stop, line, token: await tokenOf(owner), statements, logged }
  }

  test('visibly broken when the database is lost', async ({ service, large }) => {
    const { url, token, line, logged } = await serve(service, large, 1)
    const file = await open(url, token)
    await file.read()
    line.hangUp()
    await expect(file.rest()).rejects.toThrow()
    await eventually(() => expect(logged()).toMatchObject({ level: 50, status: 200, outcome: 'failed' }))
  })

  test('not when a connection is lost: the page is read again', async ({ service, large }) => {
    const { url, token, line } = await serve(service, large)
    const file = await open(url, token)
    await file.read()
    line.reset()
    expect((await idsIn('ndjson', await file.rest())).length).toBe(1500)
  })

  test('when its client has gone: no further page is read', async ({ service, large }) => {
    const { url, token, statements, logged } = await serve(service, large)
    const file = await open(url, token)
    await file.read()
    await file.cancel()
    await eventually(() => expect(logged()).toMatchObject({ status: 200, outcome: 'aborted' }))
    const count = statements.length
    for (let turns = 0; turns < 100; turns++) await turn()
    expect(statements.length).toBeLessThanOrEqual(count + 1)
    expect(statements.filter(text => text.includes('(item.revision, item.id) >'))).toEqual([])
  })

  test('not at shutdown, which waits for it', async ({ service, large }) => {
    const { url, token, stop } = await serve(service, large)
    const file = await open(url, token)
    await file.read()
    const stopped = stop()
    expect((await idsIn('ndjson', await file.rest())).length).toBe(1500)
    await stopped
  })
})
