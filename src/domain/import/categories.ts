// The categories of an import: those of the file, and those that tasks name.
import { isDeepStrictEqual } from 'node:util'
import { Problem } from '../../contract/problem.ts'
import type { Database } from '../../database/database.ts'
import { sql } from '../../database/sql.ts'
import { mayUse } from '../access.ts'
import { type Category, createCategories } from '../categories.ts'
import { inStep } from '../order.ts'
import { settled, withRevision } from '../revision.ts'
import type { CategoryEntry } from './items.ts'
import { createGroupStatement, inParts, isOfRow, liveRoom, type Refusal } from './parts.ts'
import type { Outcome } from './report.ts'

/** `key` is the name as names are compared, and `ownKey` the sort key that a user has given. */
type Found = Category & { asOf: number; isDeleted: boolean | null; key: string; ownKey: string | null }
/** A dry run notes here the names of the categories that it would have written, by their ids. `room` is for how many more there is room. */
type Simulated = { keys: Map<string, string>; room: number }
type Refuse = (entry: CategoryEntry, reasons: Refusal[]) => void
type Run = { owner: string; dryRun: boolean; done: (entry: CategoryEntry, outcome: Outcome) => void; refuse: Refuse }

const maxAttempts = 20
const full: Refusal = { place: null, reason: 'The account has reached its limit of categories.' }
const taken: Refusal = { place: 'name', reason: 'looks like the name of another category' }

export type CategoryImport = ReturnType<ReturnType<typeof createCategoryImport>>

export function createCategoryImport(db: Database) {
  const { columns, item, fields, hasRoomFor, makeRoom, maxRows } = createCategories(db)
  const write = createGroupStatement(db, 'categories', { item, fields, hasRoomFor })

  /** The names as they are compared. */
  async function keysOf(names: readonly string[]): Promise<Map<string, string>> {
    const all = await db.read<{ name: string; key: string }>(
      'fold names',
      sql`select each as name, folded(each) as key from unnest(${[...new Set(names)]}::text[]) as each`,
    )
    return new Map(all.map(({ name, key }) => [name, key]))
  }

  async function read(owner: string, ids: readonly string[], keys: readonly string[]) {
    const page = sql`
      (
        select ${columns}, item.deleted_at is not null as is_deleted, folded(item.name) as key, item.sort_key as own_key
        from ${item}
        where ${mayUse(sql`item.owner_id`, sql`${owner}`)}
          and (item.id = any(${ids}::uuid[]) or (item.deleted_at is null and folded(item.name) = any(${keys}::text[])))) as item`
    const shown = sql`${columns}, item.is_deleted, item.key, item.own_key`
    const found = await db.read<Found>('find categories', withRevision(sql`${owner}`, shown, page))
    return { asOf: found[0]?.asOf, rows: found.filter(each => each.isDeleted !== null) }
  }

  return ({ owner, dryRun, done, refuse }: Run) => {
    let isFull = false
    let simulated: Simulated | undefined

    /** The live categories. */
    function idsByKey(rows: readonly Found[]): Map<string, string> {
      const keys = simulated?.keys ?? new Map<string, string>()
      const ids = new Map(rows.flatMap(({ isDeleted, key, id }) => (isDeleted || keys.has(id) ? [] : [[key, id]])))
      for (const [id, key] of keys) ids.set(key, id)
      return ids
    }

    /** One attempt; undefined if another change of the account came first. */
    async function attempt(entries: readonly CategoryEntry[], keys: Map<string, string>) {
      const keyOf = ({ input }: CategoryEntry) => keys.get(input.name) as string
      const { asOf, rows } = await read(
        owner,
        entries.map(({ id }) => id),
        entries.map(keyOf),
      )
      const there = new Map(rows.map(row => [row.id, row]))
      const ids = idsByKey(rows)
      const planned: { entry: CategoryEntry; outcome: Outcome; row: object; takesRoom: boolean }[] = []
      const failed: [CategoryEntry, Refusal][] = []
      for (const entry of entries) {
        const found = there.get(entry.id)
        const live = found?.isDeleted === false ? found : undefined
        const isNew = live === undefined && simulated?.keys.has(entry.id) !== true
        const other = ids.get(keyOf(entry))
        if (other !== undefined && other !== entry.id) failed.push([entry, taken])
        else if (isNew && (isFull || simulated?.room === 0)) failed.push([entry, full])
        else {
          const before = simulated?.keys.get(entry.id) ?? live?.key
          if (before !== undefined) ids.delete(before)
          ids.set(keyOf(entry), entry.id)
          const row = rowOf(entry, live)
          const outcome = isNew ? 'created' : live !== undefined && isSame(row, live) ? 'unchanged' : 'updated'
          planned.push({ entry, outcome, row, takesRoom: found === undefined })
          if (simulated === undefined) continue
          simulated.keys.set(entry.id, keyOf(entry))
          if (isNew) simulated.room--
        }
      }
      const changed = planned.filter(({ outcome }) => outcome !== 'unchanged')
      if (!dryRun && changed.length > 0) {
        const group = { owner, asOf: asOf ?? 0, rows: changed.map(({ row }) => row), fresh: changed.filter(each => each.takesRoom).length }
        if ((await write(group)) === 0) {
          if (group.fresh > 0) await makeRoom(owner, group.fresh)
          return undefined
        }
      }
      return { planned, failed }
    }

    function refusal(error: unknown): Refusal[] | undefined {
      if (error instanceof Problem && error.kind === 'quota-exceeded') return [full]
      return isOfRow(error) ? [taken] : undefined
    }

    async function put(entries: readonly CategoryEntry[], refuseOne: Refuse = refuse): Promise<void> {
      if (entries.length === 0) return
      if (dryRun) simulated ??= { keys: new Map(), room: await liveRoom(db, 'categories', { item, maxRows }, owner) }
      const keys = await keysOf(entries.map(({ input }) => input.name))
      async function putPart(part: readonly CategoryEntry[]) {
        const { planned, failed } = await settled(maxAttempts, () => attempt(part, keys))
        for (const { entry, outcome } of planned) done(entry, outcome)
        for (const [entry, reason] of failed) refuseOne(entry, [reason])
        return []
      }
      await inParts(entries, putPart, refusal, (entry, reasons) => {
        isFull ||= reasons[0] === full
        refuseOne(entry, reasons)
      })
    }

    return {
      put,

      /** Which of the ids are categories, and the ids of the categories that have these names, or look alike; by the name. */
      async find(ids: readonly string[], names: readonly string[]) {
        if (ids.length === 0 && names.length === 0) return nothing
        const keys = names.length === 0 ? new Map<string, string>() : await keysOf(names)
        const { rows } = await read(owner, ids, [...keys.values()])
        const byKey = idsByKey(rows)
        return {
          ids: new Set(byKey.values()),
          names: new Map(names.flatMap(name => pair(name, byKey.get(keys.get(name) as string)))),
          keys,
        }
      },
    }
  }
}

const nothing = { ids: new Set<string>(), names: new Map<string, string>(), keys: new Map<string, string>() }
const pair = (name: string, id: string | undefined): [string, string][] => (id === undefined ? [] : [[name, id]])

/** Fields that the file lacks stay as they are. */
function rowOf({ id, input, kept }: CategoryEntry, live: Found | undefined) {
  const given = input.sortKey === null && live?.position === input.position ? { ...input, sortKey: live.ownKey } : inStep(input)
  return { id, ...given, createdAt: kept.createdAt ?? live?.createdAt ?? null, updatedAt: kept.updatedAt ?? null }
}

function isSame(row: ReturnType<typeof rowOf>, live: Found): boolean {
  const { sortKey, updatedAt, ...rest } = row
  const isKept = (value: string | null, there: string | null) => value === null || value === there
  return (
    Object.entries(rest).every(([name, value]) => isDeepStrictEqual(value, live[name as keyof Found])) &&
    (sortKey === live.ownKey || isKept(sortKey, live.sortKey)) &&
    isKept(updatedAt, live.updatedAt)
  )
}
