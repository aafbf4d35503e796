// The statements on one row of a table that owners have: read, create, add, update and delete, with revision and tombstone.
import type { Claims } from '../contract/types.ts'
import type { Asked, Columns } from '../database/asked.ts'
import type { Callers } from '../database/batched-writes.ts'
import type { Database } from '../database/database.ts'
import { flattened, type Part, sql } from '../database/sql.ts'
import type { Allowed } from '../resource/etag.ts'
import { cleared, columnsOf, createFields, type FieldParts, type Fields, omitFields } from '../resource/fields.ts'
import type { Guard, Item, Rows } from '../resource/item.ts'
import type { Made } from '../resource/once.ts'
import { createPage, parseCursor, refuseCursor } from '../resource/page.ts'
import { mayUse } from './access.ts'
import { createQuota, type QuotaName } from './quota.ts'
import { bumpRevision, createRevision, withRevision } from './revision.ts'
import { inOrder, within as inScan, type Scan } from './scan.ts'

type Table<Input> = {
  name: QuotaName
  /** in the names of its statements */
  noun: string
  fields: Fields<Input>
  /** Fields that columns are generated from. An update that has none of them does not name them, so that PostgreSQL generates nothing again. */
  sources?: readonly (keyof Input)[]
  /** Throws the problem of the constraint that a write violates. */
  refuse: (error: unknown) => never
  /** Further assignments of a delete, each before a comma. A tombstone has no secrets. */
  erased?: Part
  /** Further CTEs of a delete, each after a comma. They find the deleted row as `deleted (owner, id, next)`. */
  afterDelete?: (asked: Asked<Matched>, callers: Callers) => Part
}
const revisions = { match: 'bigint[]', except: 'bigint[]' } as const
/** The columns of a change of one row in an allowed revision. */
export const matched = { owner: 'text', id: 'uuid', ...revisions } as const
type Matched = typeof matched

export function createRows<Row extends Item, Input extends object>(
  db: Database,
  { name, noun, fields: declared, sources = [], refuse, erased = sql``, afterDelete = () => sql`` }: Table<Input>,
) {
  const fields = createFields(declared)
  const columns = columnsOf(['id', ...fields.shown, 'revision', 'createdAt', 'updatedAt'])
  const { table, maxRows, hasRoom, hasRoomFor, within, makeRoom } = createQuota(db, name)
  const item = flattened(sql`${table} as item`)

  const one = db.lookup(`select ${noun}`, { owner: 'text', id: 'uuid' })<Row>(
    asked => sql`
      select ${columns}
      from ${item}
      where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = ${asked.id} and item.deleted_at is null`,
  )

  const made = db.lookup(`select made ${noun}`, { owner: 'text', id: 'uuid', hash: 'text' })<Made<Row>>(
    asked => sql`
      select item.request_hash = decode(${asked.hash}, 'hex') as is_same, item.deleted_at is not null as is_deleted, ${columns}
      from ${item}
      where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = ${asked.id}`,
  )

  const taken = db.lookup(`select taken ${name}`, { owner: 'text', ids: 'uuid[]' })<{ taken: string }>(
    asked => sql`
      select item.id as taken
      from ${item}
      where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = any(${asked.ids})`,
  )

  const whole = { ...fields.types, owner: 'text', id: 'uuid' } as const
  type Whole = Asked<Columns & { owner: 'text'; id: 'uuid' }>
  const insert = (asked: Whole, callers: Callers, allowed: Part, more = { columns: sql``, values: sql`` }) => sql`
    ${bumpRevision(asked, callers, allowed)}
    insert into ${item} (owner_id, id, ${fields.columns}, revision, created_at, updated_at${more.columns})
    select change.owner_id, ${asked.id}, ${fields.inserted(asked, callers.now)}, next, ${callers.now}, ${callers.now}${more.values}
    from change ${callers.join(sql`change.owner_id`)}`
  const live = (asked: Whole) => sql`
    exists (select from ${item} where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = ${asked.id} and item.deleted_at is null)`
  const kept = (asked: Whole) =>
    sql`exists (select from ${item} where ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = ${asked.id})`
  // A tombstone becomes a new row. It needs no room, because it takes room already.
  const add = (asked: Whole, callers: Callers, allowed: Part) => sql`
    ${insert(asked, callers, sql`not ${live(asked)} and (${hasRoom} or ${kept(asked)}) ${allowed}`)}
    on conflict (owner_id, id) do update
    set ${fields.replaced}, revision = excluded.revision, created_at = excluded.created_at, updated_at = excluded.updated_at,
      deleted_at = null, request_hash = null
    where item.deleted_at is not null
    ${returning}`
  const returning = sql`returning item.owner_id as owner, ${columns}`
  const update = ({ types, updated }: FieldParts) =>
    db.change(`update ${noun}`, { ...types, ...matched, cleared: 'text[]' })<Row>(
      (asked, callers) => sql`
        ${bumpRevision(asked, callers, sql`exists (select from ${item} where ${current(asked)})`)}
        update ${item}
        set ${updated(asked, asked.cleared)}, revision = next, updated_at = ${callers.now}
        from change ${callers.join(sql`change.owner_id`)}
        where ${current(asked)}
        ${returning}`,
    )
  const statements = {
    create: db.change(`insert ${noun}`, whole)<Row>((asked, callers) => sql`${insert(asked, callers, hasRoom)} ${returning}`),
    createIf: db.change(`insert ${noun} if`, { ...whole, ...revisions })<Row>(
      (asked, callers) => sql`${insert(asked, callers, sql`${hasRoom} ${inRevision(sql`u.revision`, asked)}`)} ${returning}`,
    ),
    createOnce: db.change(`insert ${noun} once`, { ...whole, ...revisions, requestHash: 'text' })<Row>((asked, callers) => {
      const allowed = sql`${hasRoom} and not ${kept(asked)} ${inRevision(sql`u.revision`, asked)}`
      const hash = { columns: sql`, request_hash`, values: sql`, decode(${asked.requestHash}, 'hex')` }
      return sql`
        ${insert(asked, callers, allowed, hash)}
        on conflict (owner_id, id) do nothing
        ${returning}`
    }),
    add: db.change(`put ${noun}`, whole)<Row>((asked, callers) => add(asked, callers, sql``)),
    addIf: db.change(`put ${noun} if`, { ...whole, ...revisions })<Row>((asked, callers) =>
      add(asked, callers, inRevision(sql`u.revision`, asked)),
    ),
    update: update(fields),
    updateOthers: update(createFields(omitFields(declared, sources))),
    remove: db.change(
      `delete ${noun}`,
      matched,
    )<{ id: string }>(
      (asked, callers) => sql`
        ${bumpRevision(asked, callers, sql`exists (select from ${item} where ${current(asked)})`)},
        deleted as (
          update ${item}
          set ${erased} deleted_at = ${callers.now}, revision = next, updated_at = ${callers.now}
          from change ${callers.join(sql`change.owner_id`)}
          where ${current(asked)}
          returning item.owner_id as owner, item.id, next)
          ${afterDelete(asked, callers)}
        select owner, id
        from deleted`,
    ),
  }

  const rows = {
    currentRevision: createRevision(db),

    one: (owner: string, id: string) => one({ owner, id }),

    made: (owner: string, id: string, hash: string) => made({ owner, id, hash }),

    create(owner: string, claims: Claims, id: string, input: Input, guard?: Guard) {
      const row = { ...input, owner, id }
      function send(made?: number) {
        if (guard === undefined) return statements.create(row)
        const { requestHash } = guard
        const guarded = { ...row, ...revised(guard, made) }
        return requestHash === undefined ? statements.createIf(guarded) : statements.createOnce({ ...guarded, requestHash })
      }
      return within(owner, claims, made => send(made).catch(refuse), guard?.holds)
    },

    add(owner: string, claims: Claims, id: string, input: Input, guard?: Guard) {
      const row = { ...input, owner, id }
      const send = () => (guard === undefined ? statements.add(row) : statements.addIf({ ...row, ...revised(guard) }))
      const holds = async () => (await one({ owner, id })).length === 0 && (guard === undefined || guard.holds())
      return within(owner, claims, () => send().catch(refuse), holds)
    },

    update(owner: string, id: string, { match, except }: Allowed, patch: Partial<Input>) {
      const send = sources.some(name => patch[name] !== undefined) ? statements.update : statements.updateOthers
      return send({ ...patch, owner, id, match, except, cleared: cleared(patch) }).catch(refuse)
    },

    remove: (owner: string, id: string, { match, except }: Allowed) => statements.remove({ owner, id, match, except }),
  } satisfies Rows<Row, Input>
  return { ...rows, usedIds, page, listByCreation, item, columns, fields, refuse, maxRows, hasRoomFor, makeRoom }

  /** Which of these ids the owner has used, also for rows that are deleted. */
  async function usedIds(owner: string, ids: string[]): Promise<string[]> {
    return ids.length === 0 ? [] : (await taken({ owner, ids })).map(each => each.taken)
  }

  /** A page in the order of creation, with the revision of the account at the same instant. */
  async function listByCreation(owner: string, { limit, cursor }: { limit: number; cursor?: string }) {
    const from = cursor === undefined ? undefined : parseCursor(cursor, 'createdAt')
    const after = from === undefined ? sql`` : sql`and (created_at, id) > (${from.key}, ${from.id})`
    const order = sql`created_at, id`
    const found = await db
      .read<Row & { asOf: number }>(`select ${name}`, sql`${page(sql`${owner}`, after, order, sql`${limit + 1}`)} order by ${order}`)
      .catch(from === undefined ? undefined : refuseCursor)
    return createPage<Row>(found, limit, 'createdAt', ({ createdAt }) => createdAt)
  }

  /** Up to `count` rows in an order, with the revision of the account; `conditions` begin with `and`. */
  function page(owner: Part, conditions: Part, order: Part, count: Part, scans: Scan[] = [{ order }]): Part {
    const rowsOf = (scan: Scan) => sql`
      select ${columns}
      from ${item}
      where ${mayUse(sql`owner_id`, owner)} and deleted_at is null ${conditions} ${inScan(scan)}`
    return withRevision(owner, columns, sql`(${inOrder(scans, order, count, columns, rowsOf)}) as item`)
  }
}

/** The revisions that a guard allows. No caller can know that of an account that was just made, and its lists are as empty as before. */
function revised({ match, except }: Guard, made?: number): Allowed {
  return { match: made === undefined ? match : match && [made], except }
}

/** The row `item` that a change is about, in an allowed revision. */
export const current = (asked: Asked<Matched>): Part => sql`
  ${mayUse(sql`item.owner_id`, asked.owner)} and item.id = ${asked.id} and item.deleted_at is null
  ${inRevision(sql`item.revision`, asked)}`

/** `and …`: the revision is one of `match` and none of `except`; null for any. */
export const inRevision = (revision: Part, { match, except }: Asked<typeof revisions>): Part => sql`
  and (${match} is null or ${revision} = any(${match})) and (${except} is null or ${revision} <> all(${except}))`
