// Compares an account with a model of it: after every request of a random sequence both must be the same.
import fc from 'fast-check'
import { expect } from 'vitest'
import { type Client, client } from '../support/client.ts'
import type { Answer } from '../support/spec.ts'
import { type Service, test, tokenOf } from '../support/taskspec.ts'
import { type Command, commands } from './commands.ts'
import {
  type Conditions,
  type Expected,
  etag,
  header,
  instant,
  type Kind,
  model,
  type Query,
  type Row,
  serverKey,
  withExtra,
} from './model.ts'
import { holds, unlessStalled } from './seed.ts'

let accountCount = 0

test('an account equals its model after every request', { timeout: 120_000 }, async ({ service }) => {
  const property = fc.asyncProperty(commands, list =>
    unlessStalled(async () => {
      const { play, compare } = await player(service)
      for (const [i, command] of list.entries())
        await play(command).catch(error => {
          throw new Error(`at command ${i}, ${JSON.stringify(command)}: ${error.message}`, { cause: error })
        })
      await compare()
    }),
  )
  await holds(property, { runs: 64, lanes: 4 }) // every run of the suite has another seed, so they add up

  // The quotas depend on this: an account never has more rows than changes.
  const { sql } = service
  const accounts = await sql<{ changes: string; tasks: string; categories: string }[]>`
    select revision - start_revision as changes, (select count(*) from tasks where owner_id = users.id) as tasks,
      (select count(*) from categories where owner_id = users.id) as categories
    from users`
  expect(accounts.length).toBeGreaterThan(10)
  for (const { changes, tasks, categories } of accounts) expect(Number(tasks) + Number(categories)).toBeLessThanOrEqual(Number(changes))
})

/** The revision before the first change of an account; 0 if there is none. */
async function startOf({ sql }: Service, id: string): Promise<number> {
  const [row] = await sql<{ start: string }[]>`select start_revision as start from users where id = ${id}`
  return Number(row?.start ?? 0)
}

/** A new account: `play` does a command to it and to its model, `compare` holds one to the other. */
async function player(service: Service): Promise<{ play: (command: Command) => Promise<void>; compare: () => Promise<void> }> {
  const claims = { email: 'ann@example.com', name: 'Ann' }
  const id = `ann-${accountCount++}`
  const ann = client(service.url, await tokenOf(id, claims))
  let start = 0
  const account = model({ id, ...claims }, () => start)
  // Ids that a client may choose, and then those that the server made.
  const ids = { categories: [...'abc'].map(chosen), tasks: [...'def'].map(chosen) }
  const nth = (kind: Kind, which: number) => ids[kind][which % ids[kind].length] as string
  let clock = ''

  async function ask(method: string, path: string, { ifMatch, ifNoneMatch }: Conditions, revision: number, body?: object): Promise<Answer> {
    const headers = {
      ...(ifMatch && { 'if-match': header(ifMatch, revision) }),
      ...(ifNoneMatch && { 'if-none-match': header(ifNoneMatch, revision) }),
      ...(body && { 'content-type': method === 'PATCH' && revision % 2 === 0 ? 'application/merge-patch+json' : 'application/json' }),
    }
    const answer = await ann.send(method, `/v1/users/me${path}`, { headers, ...(body && { body: JSON.stringify(body) }) })
    if (account.revision() === 0) start = await startOf(service, id)
    return answer
  }

  /** Compares the answer with the model, and copies the values that only the server can choose into the model. */
  function settle({ status, headers, body }: Answer, expected: Expected) {
    expect([status, headers.get('etag')], JSON.stringify(body)).toEqual([expected.status, expected.etag])
    if (expected.row !== undefined) learn(expected.row, body as Row)
    if (status === 201) expect(expected.row?.createdAt).toBe(expected.row?.updatedAt)
  }

  function learn(row: Row, reply: Row) {
    const expected = Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined))
    expect(reply).toEqual({ ...reply, ...expected })
    if (row.sortKey === undefined && 'sortKey' in row) expect(reply.sortKey).toBe(serverKey(reply))
    const fresh = row.updatedAt === undefined && row.revision === account.revision()
    if (fresh) expect(instant(reply.updatedAt) >= clock, `${reply.updatedAt} is not after ${clock}`).toBe(true)
    if (fresh && 'completedAt' in row && row.completedAt === undefined) expect(reply.completedAt).toBe(reply.updatedAt)
    clock = [clock, instant(reply.updatedAt)].sort()[1] as string
    Object.assign(row, reply)
  }

  async function act(command: Command) {
    const { kind } = command
    if (command.do === 'list') return kind === 'tasks' ? walk(ann, account, command, nth) : undefined
    if (kind === 'profile') {
      // The server chooses the revision of a new account, so that a condition can name it only after a reply.
      if (account.revision() === 0 && ('ifMatch' in command || 'ifNoneMatch' in command))
        settle(await ask('GET', '', {}, 0), account.getUser({}))
      const revision = account.versionOf('profile', '')
      if (command.do === 'get') return settle(await ask('GET', '', command, revision), account.getUser(command))
      if (command.do === 'patch') {
        const sent = withExtra(command.body, command.extra, undefined, account.profile())
        const answer = await ask('PATCH', '', command, revision, sent)
        return settle(answer, command.extra === 'foreign id' ? invalid : account.updateUser(command.body, command))
      }
      return settle(await ask('DELETE', '', command, revision), account.deleteUser(command))
    }
    if (command.do === 'create') {
      const body = referring(command.body, nth)
      const answer = await ask('POST', `/${kind}`, {}, 0, withExtra(body, command.extra, undefined, undefined))
      const expected = command.extra === 'foreign id' ? invalid : account.create(kind, body)
      settle(answer, expected)
      if (expected.row === undefined) return
      account.rows[kind].set(expected.row.id as string, expected.row)
      ids[kind].push(expected.row.id as string)
      return
    }
    const id = nth(kind, command.which)
    const revision = account.versionOf(kind, id)
    const path = `/${kind}/${id}`
    if (command.do === 'get') return settle(await ask('GET', path, command, revision), account.get(kind, id, command))
    if (!('body' in command)) return settle(await ask('DELETE', path, command, revision), account.remove(kind, id, command))
    const body = referring(command.body, nth)
    const answer = await ask(
      command.do.toUpperCase(),
      path,
      command,
      revision,
      withExtra(body, command.extra, id, account.rows[kind].get(id)),
    )
    settle(answer, command.extra === 'foreign id' ? invalid : account[command.do](kind, id, body, command))
  }

  /** The account as a whole, and its ETag, which changes with every write and with nothing else. */
  async function compare() {
    const now = etag(account.revision())
    const whole = { query: { limit: 100 }, headers: { 'If-None-Match': etag(account.revision() + 1) } }
    const [tasks, categories] = [await ann.listTasks(whole, 200), await ann.listCategories(whole, 200)]
    expect([tasks.etag, categories.etag]).toEqual([now, now])
    for (const task of tasks.body.items) learn(account.rows.tasks.get(task.id) ?? expect.fail(`there is a task too many: ${task.id}`), task)
    expect(tasks.body.items).toEqual(account.tasks({}, '-createdAt'))
    expect(categories.body.items).toEqual(account.categories())
  }

  return {
    compare,
    async play(command) {
      await act(command)
      // A read must not make a revision. That it changed nothing else shows the comparison after the next write, or the one at the end.
      if (reads.includes(command.do)) await ann.listTasks({ headers: { 'If-None-Match': etag(account.revision()) } }, 304)
      else await compare()
    },
  }
}

const invalid: Expected = { status: 422, etag: null }
const reads: Command['do'][] = ['get', 'list']
const chosen = (digit: string) => `${digit.repeat(8)}-0000-7000-8000-000000000000`

/** The body with the id of the category that it means by number. */
function referring(body: { category?: number | null; [field: string]: unknown }, nth: (kind: Kind, which: number) => string): object {
  const { category, ...rest } = body
  return category === undefined ? rest : { ...rest, categoryId: category === null ? null : nth('categories', category) }
}

type List = Extract<Command, { do: 'list' }>

/** Page by page through a list, which must be that of the model, and no cursor serves another order. */
async function walk(
  ann: Client,
  account: ReturnType<typeof model>,
  { filter, sort, limit }: List,
  nth: (kind: Kind, which: number) => string,
) {
  const query = referring(filter, nth) as Query
  const all = account.tasks(query, sort)
  const items: unknown[] = []
  let other: string | null = null
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { body } = await ann.listTasks({ query: { ...(query as object), sort, limit, ...(cursor && { cursor }) } })
    expect(body.items).toHaveLength(Math.min(limit, all.length - items.length))
    items.push(...body.items)
    cursor = body.nextCursor
    expect(cursor !== null).toBe(items.length < all.length)
    other ??= cursor
  }
  if (other !== null) await ann.listTasks({ query: { sort: sort === 'title' ? '-title' : 'title', cursor: other } }, 422)
  expect(items).toEqual(all)
}
