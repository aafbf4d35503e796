// `npm run bench:indexes`: for each index of tasks, PostgreSQL's CPU time for a create, an update and the list that uses it, with the index and
// without it. The two states take turns, so that a change of the machine's speed meets both.
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import type { AnyReply } from '../../src/contract/types.ts'
import { createDatabase } from '../../src/database/database.ts'
import { accountLock } from '../../src/domain/revision.ts'
import { createHandlers } from '../../src/handlers/index.ts'
import { startCluster } from './cluster.ts'
import { cpuOfFamily } from './process.ts'
import { median, table } from './report.ts'
import { rare } from './seed.ts'
import { surroundings } from './surroundings.ts'
import { hs256, loadUsers, type User } from './users.ts'
import { workloads } from './workloads.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    /** names of indexes, separated by commas */
    indexes: { type: 'string' },
  },
})
const sizes = [200, 2_000, 50_000] // tasks in an account
const callers = 16
const minCpu = 300_000 // µs of a measurement: the clock of processes has steps of 10 ms

// The list that each index serves.
const queries: Record<string, object> = {
  tasks_created_at_idx: { sort: '-createdAt' },
  tasks_revision_idx: { sort: '-updatedAt' },
  tasks_due_idx: { sort: 'dueDate' },
  tasks_priority_idx: { sort: '-priority' },
  tasks_title_idx: { sort: 'title' },
  tasks_sort_key_idx: { sort: 'sortKey' },
  tasks_category_completed_idx: { categoryId: '00000000-0000-7000-8000-000000000000' },
  tasks_search_idx: { q: rare },
}
const names = values.indexes?.split(',') ?? Object.keys(queries)

await using cluster = await startCluster()
const accounts = sizes.map((tasks, index) => ({ accounts: index === 0 ? 1_000 : 2, tasks, first: [1, 1_001, 1_003][index] as number }))
process.stderr.write('seeding\n')
const { url, sql, tidy } = await cluster.create('indexes', ...accounts)
const users = await Promise.all(
  accounts.map(({ first, accounts }) => loadUsers(sql, hs256, { count: callers, numbers: [first, first + accounts - 1] })),
)
const db = createDatabase({ url: parseDatabaseUrl(url), poolSize: 1, timeoutFactor: 20, ownerLock: accountLock })
const handlers = createHandlers(db, surroundings) as unknown as Record<string, (call: object) => Promise<AnyReply>>
const call = (operation: string, { id }: User, more: object) =>
  handlers[operation]?.({ owner: id, claims: { email: null, name: null }, path: {}, query: {}, headers: {}, ...more })

const rows: string[][] = []
for (const name of names) {
  const [index] = await sql<{ definition: string }[]>`select indexdef as definition from pg_indexes where indexname = ${name}`
  if (index === undefined) throw new Error(`There is no index ${name}.`)
  const measured: { with: number[]; without: number[] }[] = []
  for (let round = 0; round < Number(values.rounds); round++)
    for (const state of ['with', 'without'] as const) {
      process.stderr.write(`${name}: round ${round + 1}, ${state}\n`)
      if (state === 'without') await sql`drop index ${sql(name)}`
      for (const [place, value] of (await measure(queries[name] as object)).entries()) {
        measured[place] ??= { with: [], without: [] }
        measured[place][state].push(value)
      }
      if (state === 'without') await sql.unsafe(index.definition)
      await tidy()
    }
  const shown = measured.map(each => [median(each.with), median(each.without)] as const)
  rows.push([name, ...shown.map(([kept, dropped]) => `${kept.toFixed(0)} / ${dropped.toFixed(0)}`)])
}
await db.close()

const heads = ['µs of PostgreSQL, with / without the index', 'create', 'update', ...sizes.map(tasks => `its list, ${tasks} tasks`)]
const text = table(heads, rows)
const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
await mkdir(artifacts, { recursive: true })
await writeFile(new URL('indexes.md', artifacts), `${text}\n`)
console.log(text)

/** CPU of a create, an update and a list in an account of each size. */
async function measure(query: object): Promise<number[]> {
  const [small] = users as [User[]]
  const body = (user: User, n: number) => JSON.parse(workloads.create.request(user, n).body as string)
  const created = { completed: false, parentId: null, sortKey: null, reminders: [], recurrence: null }
  const results = [
    await cpuOf(n => {
      const user = small[n % callers] as User
      return call('createTask', user, { body: { ...body(user, n), ...created } })
    }),
    await cpuOf(n => {
      const user = small[n % callers] as User
      const path = { taskId: user.taskIds[n % user.taskIds.length] }
      return call('updateTask', user, { path, body: JSON.parse(workloads.update.request(user, n).body as string) })
    }),
  ]
  for (const own of users) {
    results.push(await cpuOf(n => call('listTasks', own[n % own.length] as User, { query: { limit: 20, sort: '-createdAt', ...query } })))
  }
  return results
}

/** Microseconds of PostgreSQL for one call, with so many callers at a time. */
async function cpuOf(send: (n: number) => Promise<AnyReply> | undefined): Promise<number> {
  const before = cpuOfFamily(cluster.pid)
  let [count, used] = [0, 0]
  while (used < minCpu) {
    for (let turn = 0; turn < 8; turn++) await Promise.all(Array.from({ length: callers }, () => send(count++)))
    used = cpuOfFamily(cluster.pid) - before
  }
  return used / count
}
