// The filter `q`: every sort finds what the model finds, in its order, and no search reads more of an account than it must.
import { describe, expect } from 'vitest'
import { createLookup } from '../../src/database/batched-reads.ts'
import { createSharing } from '../../src/database/sharing.ts'
import { type Part, type Statement, statement } from '../../src/database/sql.ts'
import { createTasks } from '../../src/domain/tasks.ts'
import { createAccount } from '../property/model/account.ts'
import type { Query } from '../property/model/selection.ts'
import type { Task } from '../property/model/state.ts'
import { cases } from '../support/checks.ts'
import type { Client, Input } from '../support/client.ts'
import { type Plan, planModes, planOf } from '../support/plan.ts'
import { type Service, test } from '../support/taskspec.ts'

const sorts = [
  ...(['createdAt', '-createdAt', 'updatedAt', '-updatedAt', 'dueDate', '-dueDate', 'priority', '-priority', 'title', '-title'] as const),
  'relevance' as const,
]
// Words of the account that `fill` makes, from frequent to absent.
const words = ['frequent', 'half', 'rare', 'old', 'fresh', 'half rar', 'f', 'absent']

/** Tasks whose words are in title or description, of an account with many changes. Each seven have one instant, like those of an import. */
const fill = ({ sql }: Service, owner: string, count: number) => sql`
  with changed as (update users set revision = revision + 1000 + ${count}::int where id = ${owner})
  insert into tasks (owner_id, id, title, description, priority, due_date, completed_at, labels, revision, created_at, updated_at)
  select ${owner}, gen_random_uuid(),
    concat_ws(' ', md5(n::text), case when n % 3 = 0 then 'frequent' end, case when n % 4 = 0 then 'half' end,
      case when n % 97 = 0 then 'rare' end, case when n <= 30 then 'old' end, case when n > ${count}::int - 30 then 'fresh' end),
    case when n % 5 < 3 then concat_ws(' ', 'about', case when n % 2 = 0 then 'frequent' end, case when n % 4 = 2 then 'half' end) end,
    (array['none', 'low', 'medium', 'high'])[1 + n % 4]::task_priority, case when n % 3 > 0 then date '2027-01-01' + n % 41 end,
    case when n % 6 = 0 then now() end, case when n % 10 = 0 then array['x'] else '{}' end, n,
    timestamptz '2026-01-01' + n / 7 * interval '1 minute 1 microsecond', timestamptz '2026-06-01' + n * 7919 % ${count}::int * interval '1 s'
  from generate_series(1, ${count}::int) as n`

async function readAll(user: Client, query: NonNullable<Input<'listTasks'>['query']>): Promise<Task[]> {
  const items: Task[] = []
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const { body } = await user.listTasks({ query: { ...query, ...(cursor && { cursor }) } })
    items.push(...body.items)
    cursor = body.nextCursor
    if (cursor !== null) expect(body.items).toHaveLength(query.limit as number)
  }
  return items
}

test('every sort finds what the model finds, in its order, on pages of any size', async ({ as, service }) => {
  const ann = await as('ann')
  await ann.createTask({ body: { title: 'frequent half' } })
  await fill(service, ann.id, 800)
  const account = createAccount({ id: ann.id, email: '', name: '' }, () => 0)
  for (const task of await readAll(ann, { limit: 100 })) account.state.tasks.set(task.id, task)
  const ids = (rows: Task[]) => rows.map(({ id }) => id)

  for (const sort of sorts)
    for (const q of words)
      for (const filter of [{}, { completed: true, label: ['x'], priority: ['low' as const, 'none' as const] }])
        for (const limit of q === 'half' ? [7, 100] : [61]) {
          const query = { ...filter, q }
          const found = await readAll(ann, { ...query, sort, limit })
          expect(ids(found), `${sort} ${limit} ${JSON.stringify(query)}`).toEqual(ids(account.listTasks(query as Query, sort)))
        }
})

test('finds the only match of an account of any size', async ({ as, service }) => {
  for (const others of [0, 1, 249, 250, 251]) {
    const ann = await as(`ann-${others}`)
    const { body } = await ann.createTask({ body: { title: 'needle' } })
    await fill(service, ann.id, others)
    for (const sort of ['createdAt', '-createdAt', 'title', 'relevance'] as const) {
      expect((await readAll(ann, { q: 'needle', sort, limit: 1 })).map(({ id }) => id)).toEqual([body.id])
      expect(await readAll(ann, { q: 'needless', sort, limit: 1 })).toEqual([])
    }
  }
})

describe('relevance', () => {
  const list = async (user: Client, q: string) =>
    (await user.listTasks({ query: { q, sort: 'relevance' } })).body.items.map(({ title }) => title)

  test.for([
    ['ferry', ['Ferry tickets', 'Book the ferry', 'Pack', 'Call']],
    ['book fer', ['Book the ferry', 'Pack', 'Call']],
    ['会議', ['会議資料', 'Rest']],
    ['tickets ferry', ['Ferry tickets']],
    ['☕', []],
  ] as const)('of %s: titles with all words first, each newest first', async ([q, expected], { as }) => {
    const ann = await as('ann')
    await ann.createTask({ body: { title: 'Call', description: 'Book the ferry' } })
    await ann.createTask({ body: { title: 'Book the ferry', description: 'Or another ship' } })
    await ann.createTask({ body: { title: '会議資料' } })
    await ann.createTask({ body: { title: 'Pack', description: 'For the ferry, and a book' } })
    await ann.createTask({ body: { title: 'Ferry tickets' } })
    await ann.createTask({ body: { title: 'Rest', description: '会議' } })
    expect(await list(ann, q)).toEqual(expected)
  })

  test('needs a q, whatever condition a request has', async ({ as }) => {
    const ann = await as('ann')
    const { etag } = await ann.createTask({ body: { title: 'a' } })
    const { body } = await ann.listTasks({ query: { sort: 'relevance' }, headers: { 'If-None-Match': etag } }, 422)
    expect(body.errors).toMatchObject([{ pointer: '/sort', code: 'needsQ' }])
  })

  test('shows every task once while others are written', async ({ as, service }) => {
    const ann = await as('ann')
    await ann.createTask({ body: { title: 'frequent' } })
    await fill(service, ann.id, 600)
    const before = (await readAll(ann, { q: 'frequent', sort: 'relevance', limit: 100 })).map(({ id }) => id as string)
    expect(before.length).toBeGreaterThan(300)

    const seen: string[] = []
    const gone = new Set<string>()
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const { body } = await ann.listTasks({ query: { q: 'frequent', sort: 'relevance', limit: 30, ...(cursor && { cursor }) } })
      seen.push(...body.items.map(({ id }) => id))
      cursor = body.nextCursor
      await Promise.all(Array.from({ length: 20 }, (_, i) => ann.createTask({ body: { title: `frequent ${i}` } })))
      const doomed = [seen.at(-1), before.findLast(id => !seen.includes(id) && !gone.has(id))].filter(id => id !== undefined)
      for (const taskId of doomed) await ann.deleteTask({ path: { taskId } })
      for (const id of doomed) if (!seen.includes(id)) gone.add(id)
    }
    expect(seen).toEqual(before.filter(id => !gone.has(id)))
    expect(gone.size).toBeGreaterThan(5)
  })

  const id = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
  const place = ['2', '2027-01-01', '2027-01-01', '2026-01-01', id]
  test.for([
    null,
    '',
    '0|x',
    'x|2027-01-01',
    ...place.map((_, i) => place.slice(0, i).join('|')),
    ...place.map((_, i) => place.with(i, '-').join('|')),
  ])('refuses the cursor %s', async (key, { as }) => {
    const ann = await as('ann')
    const cursor = Buffer.from(JSON.stringify(['relevance', key, id])).toString('base64url')
    const { body } = await ann.listTasks({ query: { q: 'a', sort: 'relevance', cursor } }, 422)
    expect(body.errors).toMatchObject([{ pointer: '/cursor', code: 'cursor' }])
  })
})

test.for(cases([...sorts]))(
  '%s reads no more tasks than it must, with a plan for the values and with one for any',
  async (sort, { as, service }) => {
    const ann = await as('ann')
    await ann.createTask({ body: { title: 'frequent' } })
    await fill(service, ann.id, 1500)
    await service.sql`analyze tasks`
    for (const mode of planModes)
      for (const q of ['frequent', 'rare', 'absent']) {
        const plans: Plan[][] = []
        const { body } = await createTasks(explaining(service, mode, plans) as never).list(ann.id, { q, sort, limit: 5 })()
        const scans = plans.flat().filter(each => each['Relation Name'] === 'tasks' && each['Actual Loops'] > 0)
        const [walked, found] = [scans.filter(isWalk), scans.filter(each => !isWalk(each))]
        const matches = { frequent: 1000, rare: 15, absent: 0 }[q] as number
        expect(body.items.length > 0).toBe(q !== 'absent')
        expect(tasksRead(walked)).toBeLessThanOrEqual(sort === 'relevance' ? 0 : sort === '-dueDate' ? 500 : 250) // of each scan
        expect(tasksRead(found)).toBeLessThanOrEqual(q === 'frequent' && sort !== 'relevance' ? 0 : matches)
        expect(plans).toHaveLength(sort === 'relevance' ? 1 : 2)
      }
  },
)

test('a small account is asked once', async ({ as, service }) => {
  const ann = await as('ann')
  await ann.createTask({ body: { title: 'frequent' } })
  for (const q of ['frequent', 'absent']) {
    const plans: Plan[][] = []
    const found = await createTasks(explaining(service, 'generic', plans) as never).list(ann.id, { q, sort: 'title', limit: 5 })()
    expect([plans.length, found.body.items.length]).toEqual([1, q === 'absent' ? 0 : 1])
  }
})

/** Scans of the index of a sort return tasks in its order; the index of the words has only bitmaps. */
const isWalk = (scan: Plan) => scan['Node Type'] === 'Index Scan'
const tasksRead = (scans: Plan[]) =>
  scans.reduce((sum, each) => sum + (each['Actual Rows'] + (each['Rows Removed by Filter'] ?? 0)) * each['Actual Loops'], 0)

/** A database that also collects the nodes of the plan of each read. */
function explaining({ sql }: Service, mode: (typeof planModes)[number], plans: Plan[][]) {
  async function send(asked: Statement) {
    plans.push(await planOf(sql, asked, mode, 'analyze'))
    return sql.unsafe(asked.text, asked.values as never[]) as never
  }
  return {
    lookup: createLookup({ send: late => send(late()), sharing: createSharing(true), steps: null, isAlone: () => true }),
    change: () => () => {},
    read: (name: string, part: Part) => send(statement(name, part)),
  }
}
