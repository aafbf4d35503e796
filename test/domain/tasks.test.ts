// Each filter of lists of tasks, with each sort: the statement as sent reads an index of the owner.
import { expect } from 'vitest'
import type { Call } from '../../src/contract/types.ts'
import { createLookup } from '../../src/database/batched-reads.ts'
import { createSharing } from '../../src/database/sharing.ts'
import { type Part, type Statement, statement } from '../../src/database/sql.ts'
import { sorts } from '../../src/domain/sort.ts'
import { createTasks } from '../../src/domain/tasks.ts'
import { cases } from '../support/checks.ts'
import { planModes, planOf } from '../support/plan.ts'
import { type Service, test } from '../support/taskspec.ts'

type Query = Call<'listTasks'>['query']

const id = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
const minute = Date.parse('2027-02-01T12:00Z') / 60_000
// One that is missing does not compile.
const filters: Required<Omit<Query, 'limit' | 'cursor' | 'sort'>> = {
  completed: false,
  priority: ['medium', 'high'],
  categoryId: id,
  parentId: id,
  label: ['home', 'errand'],
  dueFrom: '2027-03-25',
  dueTo: '2027-01-05',
  startFrom: '2027-03-01',
  startTo: '2027-01-01',
  deadlineFrom: '2027-03-01',
  deadlineTo: '2027-02-01',
  overdue: true,
  q: 'ferry',
}
const others: Partial<Query>[] = [{ completed: true }, { parentId: 'none' }, { overdue: false }, filters]
const queries = [...Object.entries(filters).map(([name, value]) => ({ [name]: value }) as Partial<Query>), ...others]

/** Tasks of ann, who has one of twenty. */
async function fill({ sql }: Service) {
  await sql`insert into users (id, revision, profile_revision) select unnest('{ann,other}'::text[]), 20000, 1 on conflict do nothing`
  await sql`
    insert into tasks (owner_id, id, title, priority, labels, revision, completed_at, due_date, start_date, deadline_date)
    select case when n % 20 = 0 then 'ann' else 'other' end, md5(n::text)::uuid, 'Task ' || n,
      (array['none', 'low', 'medium', 'high'])[1 + n / 20 % 4]::task_priority, case when n % 3 = 0 then '{home}'::text[] else '{}' end, n,
      case when n % 7 = 0 then now() end, case when n % 2 = 0 then day end, day, day
    from generate_series(1, 20000) as n, lateral (select date '2027-01-01' + n % 90) as each (day)
    on conflict do nothing`
  await sql`analyze tasks, users`
}

/** The statements of a list for one caller, and for two who may share them. Each finds nothing. */
async function statements(query: Query): Promise<Statement[]> {
  const sent: Statement[] = []
  const send = async (statement: Statement) => {
    sent.push(statement)
    return []
  }
  for (const callers of [1, 2]) {
    const { list } = createTasks({
      read: (name: string, part: Part) => send(statement(name, part)),
      lookup: createLookup({ send: late => send(late()), sharing: createSharing(true), steps: null, isAlone: () => callers === 1 }),
      change: () => () => {},
    } as never)
    await Promise.all(Array.from({ length: callers }, list('ann', query, minute)))
  }
  return sent
}

test.for(cases(queries))('%o reads tasks by an index of the owner', async (filter, { service }) => {
  await fill(service)
  const names = [...(Object.keys(sorts) as Query['sort'][]), ...(filter.q === undefined ? [] : (['relevance'] as const))]
  for (const sort of names)
    for (const mode of planModes)
      for (const each of await statements({ limit: 20, sort, ...filter })) {
        const plan = await planOf(service.sql, each, mode)
        const label = `${sort} ${mode}: ${JSON.stringify(plan)}`
        expect(plan.filter(node => node['Relation Name'] === 'tasks' && node['Node Type'] === 'Seq Scan')).toEqual([])
        const scans = plan.filter(node => node['Index Name']?.startsWith('tasks_'))
        expect(scans.length, label).toBeGreaterThan(0)
        // The index of the words has the owner in each word.
        for (const scan of scans)
          expect(scan['Index Cond'], label).toMatch(scan['Index Name'] === 'tasks_search_idx' ? /words @@/ : /owner_id = /)
      }
})
