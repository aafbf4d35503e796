// The sorts of lists of tasks: by due date and time, and each by an index.
import { describe, expect } from 'vitest'
import { sql as part, statement } from '../../src/database/sql.ts'
import { within } from '../../src/domain/scan.ts'
import { cursorName, type SortName, scansOf, sorts } from '../../src/domain/sort.ts'
import { cases } from '../support/checks.ts'
import { test } from '../support/taskspec.ts'

const id = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
const encoded = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')

describe('dueDate', () => {
  // In this order. Two tasks with the same date and time are in the order of their ids.
  const due = [
    ['2027-03-01', '00:00'],
    ['2027-03-01', '09:05'],
    ['2027-03-01', '09:05'],
    ['2027-03-01', '23:59'],
    ['2027-03-01', null],
    ['2027-03-02', '00:00'],
    ['2027-03-02', null],
    ['2027-03-02', null],
    [null, null],
    [null, null],
  ] as const

  test('sorts by time within a day; a task without a time comes after the others, and one without a date last', async ({ as }) => {
    const ann = await as('ann')
    const taskId = (number: number) => `00000000-0000-4000-8000-00000000000${number}`
    for (const number of [7, 2, 9, 0, 4, 8, 1, 6, 3, 5]) {
      const [dueDate, dueTime] = due[number] as (typeof due)[number]
      // Another zone must not matter.
      const timeZone = number % 2 === 0 ? 'Pacific/Auckland' : null
      await ann.putTask({ path: { taskId: taskId(number) }, body: { title: `${number}`, dueDate, dueTime, timeZone } })
    }
    for (const [sort, order] of [
      ['dueDate', '0123456789'],
      ['-dueDate', '7654321098'],
    ] as const)
      for (const limit of [1, 3, 100]) {
        const seen: string[] = []
        for (let cursor: string | null | undefined; cursor !== null; ) {
          const { body } = await ann.listTasks({ query: { sort, limit, ...(cursor && { cursor }) } })
          seen.push(...body.items.map(({ title }) => title))
          cursor = body.nextCursor
        }
        expect(seen.join(''), `${sort} by ${limit}`).toBe(order)
      }
  })

  test.for([
    ['dueDate', encoded('dueDate', '2027-03-01', id)], // of a release before 0.4.0
    ['-dueDate', encoded('-dueDate', null, id)],
    ['-dueDate', encoded('dueDate,dueTime', '2027-03-01 09:00', id)],
    ['dueDate', encoded('dueDate,dueTime', 'x', id)],
    ['dueDate', encoded('dueDate,dueTime', '2027-02-29', id)],
    ['dueDate', encoded('dueDate,dueTime', '2027-03-01 25:00', id)],
    ['dueDate', encoded('dueDate,dueTime', 1, id)],
  ] as const)('%s refuses the cursor %s', async ([sort, cursor], { as }) => {
    const ann = await as('ann')
    const { body } = await ann.listTasks({ query: { sort, cursor } }, 422)
    expect(body.errors).toMatchObject([{ pointer: '/cursor', code: 'cursor' }])
  })
})

const keys: Partial<Record<string, string | null>> = {
  createdAt: '2027-01-01T00:00:00Z',
  updatedAt: '1',
  priority: 'low',
  sortKey: 'a0',
}

test.for(cases(Object.keys(sorts) as SortName[]))('%s reads its pages from an index, without sorting', async (name, { service }) => {
  const key = keys[name.replace('-', '')] ?? null
  const cursors = [
    undefined,
    ...(name.endsWith('dueDate') ? [null, '2027-03-01 09:00'] : [key]).map(key => encoded(cursorName(name), key, id)),
  ]
  for (const cursor of cursors)
    for (const scan of scansOf(name, cursor)) {
      const page = part`select id from tasks as item where owner_id = ${'ann'} and deleted_at is null ${within(scan)} order by ${scan.order} limit 3`
      const { text, values } = statement('', page)
      const plan = await service.sql.begin(async sql => {
        await sql`set local enable_seqscan = off`
        await sql`set local enable_bitmapscan = off`
        return sql.unsafe(`explain (costs off) ${text}`, values as never)
      })
      const lines = plan.map(row => row['QUERY PLAN']).join('\n')
      expect(lines).toMatch(/Index (Only )?Scan (Backward )?using tasks_/)
      expect(lines).not.toContain('Sort')
      expect(lines).not.toMatch(/Filter: .*(ROW\(|due_date)/)
    }
})

test('-dueDate reads the tasks with a date and those without one in two scans, and only the second after one without a date', () => {
  const scans = (key?: string | null) =>
    scansOf('-dueDate', key === undefined ? undefined : encoded(cursorName('-dueDate'), key, id)).length
  expect([scans(), scans('2027-03-01'), scans(null)]).toEqual([2, 2, 1])
})
