// The replies of requests with an Idempotency-Key, which a repeated request gets again. A row is inserted before its request is executed, and
// locked by the transaction of the request. So a request finds without waiting that the first one is in flight; and where a process died in
// between, the row is free again.
import type { KeyedRequest, Replies, Stored } from '../contract/idempotency-key.ts'
import type { Database } from '../database/database.ts'
import { constant, type Part, sql } from '../database/sql.ts'
import { mayUse } from './access.ts'

const lifetime = sql`interval ${constant('24 hours')}`
const maxPurged = 500 // rows in a statement
const maxFound = 1_000

export function createReplies({ write, transaction }: Database): Replies {
  const isKey = ({ owner, operation, keyHash }: KeyedRequest) => sql`
    ${mayUse(sql`item.owner_id`, sql`${owner}`)} and item.operation = ${operation} and item.key_hash = decode(${keyHash}, 'hex')`
  const shown = ({ requestHash }: KeyedRequest) =>
    sql`item.status, item.reply, item.request_hash = decode(${requestHash}, 'hex') as is_same`
  const insert = ({ owner, operation, keyHash, requestHash }: KeyedRequest, more = { columns: sql``, values: sql`` }) => sql`
    insert into idempotency_keys as item (owner_id, operation, key_hash, request_hash${more.columns})
    select ${owner}::text, ${operation}::text, decode(${keyHash}, 'hex'), decode(${requestHash}, 'hex')${more.values}
    from users
    where ${mayUse(sql`id`, sql`${owner}`)}
    on conflict (owner_id, operation, key_hash)`

  return {
    transaction,

    async claim(request) {
      const [stored] = await write<Stored>(
        'claim key',
        sql`
          with claimed as (
            ${insert(request)} do nothing)
          select item.status, item.reply, item.is_same
          from users left join lateral (
            select ${shown(request)}
            from idempotency_keys as item
            where ${isKey(request)}) as item on true
          where ${mayUse(sql`users.id`, sql`${request.owner}`)}`,
      )
      return stored
    },

    async lock(request) {
      const [stored] = await write<Stored>(
        'lock key',
        sql`
          select ${shown(request)}
          from idempotency_keys as item
          where ${isKey(request)}
          for update skip locked`,
      )
      return stored
    },

    async release(request) {
      await write(
        'release key',
        sql`
          delete from idempotency_keys as item
          where ${isKey(request)} and (item.operation, item.key_hash) in (
            select item.operation, item.key_hash
            from idempotency_keys as item
            where ${isKey(request)} and item.status is null
            for update skip locked)`,
      )
    },

    async keep(request, status, reply) {
      const values = sql`, ${status}::integer, ${JSON.stringify(reply)}::text::jsonb`
      const kept = await write(
        'keep reply',
        sql`
          ${insert(request, { columns: sql`, status, reply`, values })} do update
          set request_hash = excluded.request_hash, status = excluded.status, reply = excluded.reply, created_at = excluded.created_at
          where item.status is null
          returning item.status`,
      )
      return kept.length > 0
    },
  }
}

/** Finds and removes replies that are too old. */
export function createReplyExpiry({ read, write }: Pick<Database, 'read' | 'write'>) {
  const isOld: Part = sql`created_at < now() - ${lifetime}`

  return {
    /** Some owners of such replies, those of the oldest first. Like the one of tombstones, it reads rows of all owners and returns nothing else. */
    async owners(): Promise<string[]> {
      const found = await read<{ ownerId: string }>(
        'select owners of old keys',
        sql`
          select owner_id from idempotency_keys where ${isOld}
          order by created_at
          limit ${constant(maxFound)}`,
      )
      return [...new Set(found.map(({ ownerId }) => ownerId))]
    },

    /** Removes some of an owner, and resolves with their number. A key whose request is in flight is left. */
    async purge(owner: string): Promise<number> {
      const removed = await write(
        'purge old keys',
        sql`
          delete from idempotency_keys as item
          where ${mayUse(sql`item.owner_id`, sql`${owner}`)} and (item.operation, item.key_hash) in (
            select operation, key_hash
            from idempotency_keys
            where ${mayUse(sql`owner_id`, sql`${owner}`)} and ${isOld}
            order by created_at
            limit ${constant(maxPurged)}
            for update skip locked)
          returning item.operation`,
      )
      return removed.length
    },
  }
}
