// The changes of an account after a position: each row once, as it is now, and tombstones.
//
// The row lock on the account puts its changes in the order of their revisions. So a page holds every change up to a revision that the account
// had before the page was read. A row that changes meanwhile gets a higher revision, and comes later in the same walk.
import { createHash } from 'node:crypto'
import type { components } from '../../generated/api.ts'
import type { Database } from '../database/database.ts'
import { constant, joined, type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'
import { createCalendars } from './calendars.ts'
import { createCategories } from './categories.ts'
import { createTasks } from './tasks.ts'
import { createUsers } from './users.ts'
import { createWebhooks } from './webhooks.ts'

export type Change = components['schemas']['Change']
export type Kind = Change['kind']
/** A place in the order of changes: after this row. */
export type Position = { revision: number; kind: Kind; id: string }

export type Account = {
  revision: number
  /** the newest revision of a tombstone that was removed for good */
  purgedRevision: number
  createdAt: string
  /** differs between histories: of another account, or of a database that was restored, promoted or replaced */
  epoch: string
  /** the newest revision of each kind, null without rows */
  latest: Record<Kind, number | null>
}
type Asked = {
  /** only changes up to this revision, at most that of the account */
  until: number
  limit: number
  /** only tombstones after this revision */
  floor: number
  kinds?: readonly Kind[] | undefined
}
/** `position` is where the next page begins. */
type Page = { items: Change[]; hasMore: boolean; position: Position }
type TableKind = Exclude<Kind, 'user'>
type Row = { id: string; revision: number; deletedAt: string | null | undefined }

const tables: Record<TableKind, Part> = { category: sql`categories`, task: sql`tasks`, calendar: sql`calendars`, webhook: sql`webhooks` }
/** In the order of the changes with one revision. */
export const kinds: readonly Kind[] = ['user', 'category', 'task', 'calendar', 'webhook']
const lastKind = kinds.at(-1) as Kind
export const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** After every change with this revision. */
export const endOf = (revision: number): Position => ({ revision, kind: lastKind, id: lastId })
export const isEnd = ({ kind, id }: Position): boolean => kind === lastKind && id === lastId

/** Whether no tombstone after a position was removed, apart from those up to `floor`. */
export const isComplete = ({ purgedRevision }: Account, from: Position, floor: number): boolean => purgedRevision <= known(from, floor)

export function createChanges(db: Database) {
  const users = createUsers(db)
  const changed = {
    category: changedRows('category', createCategories(db).columns),
    task: changedRows('task', createTasks(db).columns),
    calendar: changedRows('calendar', createCalendars(db, null).columns),
    webhook: changedRows('webhook', createWebhooks(db, false).columns),
  }
  const select = db.lookup('select account', { owner: 'text' })<Omit<Account, 'epoch'> & { history: string }>(
    asked => sql`
      select account.revision, account.purged_revision, account.created_at, ${history} as history, ${latest(asked.owner)} as latest
      from users as account
      where ${mayUse(sql`account.id`, asked.owner)}`,
  )

  return {
    /** Resolves with undefined before the first contact. */
    async account(owner: string): Promise<Account | undefined> {
      const [row] = await select({ owner })
      if (row === undefined) return undefined
      const { history, ...account } = row
      return { ...account, epoch: digest([owner, account.createdAt, history]) }
    },

    /**
     * Resolves with undefined if the account was erased since it was read, or if it is no longer complete (`isComplete`): a purge between two
     * statements would otherwise go unnoticed.
     */
    async between(owner: string, account: Account, from: Position, asked: Asked): Promise<Page | undefined> {
      const { limit, kinds: wanted = kinds } = asked
      const read = (kind: Kind) =>
        kind === 'user' ? changedUser(owner, account, from, asked) : changedOf(kind, owner, account, from, asked)
      const found = await Promise.all(wanted.filter(kind => (account.latest[kind] ?? 0) > known(from, 0)).map(read))
      if (!found.every(each => each !== undefined)) return undefined
      const items = found.flat().sort(inOrder)
      const next = items[limit]
      items.length = Math.min(items.length, limit)
      return { items, hasMore: next !== undefined, position: positionAfter(items.at(-1), next, asked.until) }
    },
  }

  async function changedUser(owner: string, account: Account, from: Position, { until }: Asked): Promise<Change[] | undefined> {
    const [user] = await users.one(owner)
    if (user?.createdAt !== account.createdAt) return undefined
    const { revision } = user
    return revision > from.revision && revision <= until ? [{ kind: 'user', id: owner, revision, deletedAt: null, resource: user }] : []
  }

  async function changedOf(kind: TableKind, owner: string, { createdAt }: Account, from: Position, { until, limit, floor }: Asked) {
    const values = { owner, createdAt, known: known(from, floor), ...startOf(kind, from), until, floor, count: limit + 1 }
    const rows = await changed[kind](values)
    return rows.length === 0 ? undefined : rows.filter(({ id }) => id !== null).map(row => changeOf(kind, row))
  }

  /** Without any row, if the condition on the account does not hold. One row without id, if it holds and there is no change. */
  function changedRows(kind: TableKind, columns: Part) {
    const position = { revision: 'bigint', id: 'uuid', until: 'bigint', floor: 'bigint', count: 'integer' } as const
    return db.lookup(
      `select changes of ${kind}`,
      { owner: 'text', createdAt: 'timestamptz', known: 'bigint', ...position },
      sql`revision, id`,
    )<Row>(
      asked => sql`
        select ${columns}, item.deleted_at
        from users as account left join lateral (
          select ${columns}, item.deleted_at
          from ${tables[kind]} as item
          where ${mayUse(sql`item.owner_id`, asked.owner)} and (item.revision, item.id) > (${asked.revision}, ${asked.id})
            and item.revision <= ${asked.until} and (item.deleted_at is null or item.revision > ${asked.floor})
          order by item.revision, item.id
          limit ${asked.count}) as item on true
        where ${mayUse(sql`account.id`, asked.owner)} and account.created_at = ${asked.createdAt}
          and account.purged_revision <= ${asked.known}`,
    )
  }
}

/**
 * The cluster, its timeline and the database. A promotion begins a timeline: the one of the write-ahead log is right at once, the one of the
 * last checkpoint later.
 */
const history = sql`
  concat_ws(' ', (select system_identifier from pg_control_system()), left(pg_walfile_name(pg_current_wal_lsn()), 8),
    (select oid from pg_database where datname = current_database()))`

/** The newest revision of each kind in the account `account`, as JSON: null without rows. */
export function latest(owner: Part): Part {
  const each = Object.entries(tables).map(
    ([kind, table]) => sql`
      ${constant(kind)}, (select max(item.revision) from ${table} as item where ${mayUse(sql`item.owner_id`, owner)})`,
  )
  return sql`json_build_object('user', account.profile_revision, ${joined(each, ',')})`
}

const digest = (parts: string[]) => createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16)

/** The revision up to which a reader knows every tombstone. In the middle of a revision it lacks some of this one. */
function known(from: Position, floor: number): number {
  return Math.max(isEnd(from) ? from.revision : from.revision - 1, floor)
}

/** The position as one of the rows of a kind. */
function startOf(kind: Kind, from: Position): { revision: number; id: string } {
  const order = kinds.indexOf(kind) - kinds.indexOf(from.kind)
  if (order === 0) return from
  return { revision: order > 0 ? from.revision - 1 : from.revision, id: lastId }
}

/** Where a page begins after the `last` change of one, with the `next` change known, if there is one up to `until`. */
export function positionAfter(last: Change | undefined, next: Change | undefined, until: number): Position {
  if (last === undefined || next === undefined) return endOf(until)
  return last.revision === next.revision ? { revision: last.revision, kind: last.kind, id: last.id } : endOf(last.revision)
}

export function inOrder(a: Position, b: Position): number {
  return a.revision - b.revision || kinds.indexOf(a.kind) - kinds.indexOf(b.kind) || Number(a.id > b.id) - Number(a.id < b.id)
}

/** JSON leaves out what is undefined. A copy of the row would cost a tenth of the reply. */
function changeOf(kind: TableKind, row: Row): Change {
  const { id, revision, deletedAt } = row
  row.deletedAt = undefined
  return { kind, id, revision, deletedAt, resource: deletedAt === null ? row : null } as Change
}
