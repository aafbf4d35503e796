// Lists and the summary: page by page, they must be those of the model.
import { expect } from 'vitest'
import { trashDays } from '../../src/domain/tombstones.ts'
import type { Client } from '../support/client.ts'
import type { ListCommand } from './commands.ts'
import type { Account } from './model/account.ts'
import { daysAfter } from './model/dates.ts'
import { etag } from './model/replies.ts'
import type { Query } from './model/selection.ts'
import { type Deletion, instant } from './model/state.ts'
import type { Ids } from './steps.ts'

type Page = { etag: string; body: { items: unknown[]; nextCursor: string | null } }
type Read = (query: { limit: number; cursor?: string }) => Promise<Page>

type Tasks = Extract<ListCommand, { do: 'list' }>
type Reminders = Extract<ListCommand, { do: 'reminders' }>

export async function list(ann: Client, account: Account, ids: Ids, command: ListCommand): Promise<void> {
  if (command.do === 'summary') return compareSummary(ann, account)
  if (command.do === 'list') return compareTasks(ann, account, ids, command)
  if (command.do === 'reminders') return compareReminders(ann, account, command)
  if (command.do === 'trash') return compareTrash(ann, account, command.limit)
  const { items } = await pages(account, command.limit, query => ann.listLabels({ query }))
  expect(items).toEqual(account.labels.list())
}

async function compareReminders(ann: Client, account: Account, { from, to, limit }: Reminders): Promise<void> {
  const { items } = await pages(account, limit, query => ann.listReminders({ query: { ...query, from, to } }))
  const shown = (items as { at: string }[]).map(item => ({ ...item, at: Date.parse(item.at) }))
  expect(shown).toEqual(account.listReminders(from, to))
}

/** Which tasks are overdue depends on the minute, which the ETag has. Pages of two minutes are read again. */
async function compareTasks(ann: Client, account: Account, ids: Ids, command: Tasks): Promise<void> {
  const { sort, limit } = command
  const named = Object.entries(ids.refer(command.filter)).filter(([, value]) => value !== null)
  const filter = Object.fromEntries(named) as Query
  const read: Read = query => ann.listTasks({ query: { ...filter, ...query, sort } })
  const { items, minutes, cursor } = await pages(account, limit, read)
  if (new Set(minutes).size > 1) return compareTasks(ann, account, ids, command)
  expect(minutes.includes(undefined)).toBe(filter.overdue === undefined)
  expect(items).toEqual(account.listTasks(filter, sort, minutes[0]))
  // No cursor serves another order.
  if (cursor !== null) await ann.listTasks({ query: { sort: sort === 'title' ? '-title' : 'title', cursor } }, 422)
}

async function compareSummary(ann: Client, account: Account): Promise<void> {
  const { etag, body } = await ann.getSummary({}, 200)
  const minute = minuteOf(account, etag)
  expect(minute).toBeTypeOf('number')
  expect(body).toEqual(account.summary(minute as number))
}

/** The instants of deletions are copied into the model: later ones for later deletions. */
export async function compareTrash(ann: Client, account: Account, limit: number): Promise<void> {
  const { items } = await pages(account, limit, query => ann.listTrash({ query }))
  const expected = account.trash.items()
  const shown = items as { deletedAt: string }[]
  for (const [i, { deletion }] of expected.entries()) deletion.at ??= shown[i]?.deletedAt
  const byTime = expected.map(({ deletion }) => deletion).toReversed()
  for (const [i, deletion] of byTime.slice(1).entries()) expectLater(byTime[i] as Deletion, deletion)
  expect(items).toEqual(
    expected.map(item => ({
      kind: item.kind,
      id: item.row.id,
      title: item.kind === 'task' ? item.row.title : item.row.name,
      count: item.kind === 'task' ? item.under.length : 0,
      deletedAt: item.deletion.at,
      expiresAt: expiryOf(item.deletion.at ?? ''),
    })),
  )
}

function expectLater(before: Deletion, after: Deletion): void {
  if (before !== after) expect(instant(after.at) > instant(before.at), `${after.at} is not after ${before.at}`).toBe(true)
}

const expiryOf = (at: string) => `${daysAfter(at.slice(0, 10), trashDays)}${at.slice(10)}`

/** The minute in the ETag of what depends on it; undefined if there is none. */
function minuteOf({ state }: Account, tag: string): number | undefined {
  const now = etag(state.revision).slice(0, -1)
  expect(tag.slice(0, now.length)).toBe(now)
  const minute = tag.slice(now.length, -1)
  return minute === '' ? undefined : Number(minute)
}

/** All items of a list, the minutes of its pages, and its first cursor. */
async function pages(account: Account, limit: number, read: Read) {
  const all: Page[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: Page = await read({ limit, ...(cursor !== '' && { cursor }) })
    all.push(page)
    cursor = page.body.nextCursor
  }
  for (const { body } of all.slice(0, -1)) expect(body.items).toHaveLength(limit)
  const items = all.flatMap(({ body }) => body.items)
  if (all.length > 1) expect(all.at(-1)?.body.items.length).toBeGreaterThan(0)
  return { items, minutes: all.map(({ etag }) => minuteOf(account, etag)), cursor: all[0]?.body.nextCursor ?? null }
}
