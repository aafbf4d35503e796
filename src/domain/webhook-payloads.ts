// The next delivery of a webhook. It is pinned before it is first sent: its id and the last change in it stay the same however often it is
// sent. A row that changes meanwhile comes in the next one.
import { randomUUIDv7 } from 'node:crypto'
import type { Database } from '../database/database.ts'
import { sql } from '../database/sql.ts'
import {
  type Account,
  type Change,
  createChanges,
  endOf,
  inOrder,
  isComplete,
  isEnd,
  type Kind,
  lastId,
  type Position,
  positionAfter,
} from './changes.ts'
import { createReminders, type DueReminder } from './reminders.ts'
import { isHeld, isWhereItWas, type Leased } from './webhook-lease.ts'
import { type Changes, placeAt, remindAt, remindedOf, remindNext } from './webhook-results.ts'

/** `sent`: send `body`, then make the changes. `nothing`: make them at once. `cancelled`: the pending delivery has nothing left. `busy`: try again. */
export type Prepared =
  | { kind: 'sent'; leased: Leased; body: string; changes: Changes }
  | { kind: 'nothing' | 'cancelled'; changes: Changes }
  | { kind: 'busy' }

type Page = { items: string[]; end: Position; hasMore: boolean }

const maxItems = 100
const maxBytes = 256 * 1024
const envelopeBytes = 1024 // of a body beside its items, at most
const busy: Prepared = { kind: 'busy' }

export function createPayloads(db: Database) {
  const changes = createChanges(db)
  const reminders = createReminders(db)

  return {
    /** Reads the account before anything else: a change that comes meanwhile makes the webhook due again. */
    async prepare(owner: string, leased: Leased): Promise<Prepared> {
      if (leased.type === 'test') return sent(owner, leased, {}, {})
      if (leased.type === 'reminder') return repeatReminder(owner, leased)
      const account = await changes.account(owner)
      if (account === undefined) return busy
      const next = await nextReminder(owner, leased)
      if (leased.type === null && next?.reminder !== undefined) return newReminder(owner, leased, next.reminder)
      const following = next === undefined ? {} : next.reminder === undefined ? remindAt(next.at) : remindNext
      if (!isComplete(account, placeOf(leased), 0)) return reset(owner, leased, account, following)
      return pageOfChanges(owner, leased, account, following)
    },
  }

  /** The first one that was not delivered, if it is due. Otherwise when to look again. */
  async function nextReminder(owner: string, { kinds, remindedUntil, remindedId }: Leased) {
    return kinds.includes('reminder') ? reminders.next(owner, { at: remindedUntil, id: remindedId }) : undefined
  }

  async function newReminder(owner: string, leased: Leased, reminder: DueReminder): Promise<Prepared> {
    const pinned = await pin(owner, leased, { type: 'reminder', toId: reminder.taskId, toAt: reminder.at })
    return pinned === undefined ? busy : sent(owner, pinned, { reminder }, remindedOf(reminder.at, reminder.taskId))
  }

  /** The task may be completed, deleted or changed by now. */
  async function repeatReminder(owner: string, leased: Leased): Promise<Prepared> {
    const [at, id] = [leased.toAt as string, leased.toId as string]
    const reminder = await reminders.one(owner, { at, id })
    const changes = remindedOf(at, id)
    return reminder === undefined ? { kind: 'cancelled', changes } : sent(owner, leased, { reminder }, changes)
  }

  /** Deletions after the last delivery were purged, so the receiver must read the account. */
  async function reset(owner: string, leased: Leased, { revision }: Account, following: Changes): Promise<Prepared> {
    if (leased.type === 'changes') return { kind: 'cancelled', changes: {} }
    const pinned = leased.type === 'reset' ? leased : await pin(owner, leased, { type: 'reset', to: endOf(revision) })
    if (pinned === undefined) return busy
    const end = endOf(pinned.toRevision as number)
    return sent(owner, pinned, { revision: end.revision }, { ...placeAt(end), ...following })
  }

  async function pageOfChanges(owner: string, leased: Leased, account: Account, following: Changes): Promise<Prepared> {
    const page = await pageOf(owner, leased, account)
    if (page === undefined) return busy
    const { items, end, hasMore } = page
    const changes = { ...placeAt(end), ...following }
    if (items.length === 0) return { kind: leased.type === null ? 'nothing' : 'cancelled', changes }
    const pinned = leased.type === 'changes' ? leased : await pin(owner, leased, { type: 'changes', to: end })
    if (pinned === undefined) return busy
    const revision = isEnd(end) ? end.revision : end.revision - 1
    return sent(owner, pinned, { items, revision, hasMore }, changes)
  }

  /** The changes up to where the delivery was pinned, or as many as it may have. */
  async function pageOf(owner: string, leased: Leased, account: Account): Promise<Page | undefined> {
    const pinned = leased.type === 'changes' ? endOfPinned(leased) : undefined
    const until = pinned?.revision ?? account.revision
    const kinds = leased.kinds.filter(kind => kind !== 'reminder')
    const page = await changes.between(owner, account, placeOf(leased), { until, limit: maxItems, floor: 0, kinds })
    if (page === undefined) return undefined
    const found = pinned === undefined ? page.items : page.items.filter(item => inOrder(item, pinned) <= 0)
    const items = fitting(found)
    const isCut = items.length < found.length
    const last = pinned !== undefined && inOrder(pinned, page.position) < 0 ? pinned : page.position
    const end = isCut ? positionAfter(found[items.length - 1], found[items.length], until) : last
    return { items, end, hasMore: isCut || found.length < page.items.length || page.hasMore || until < account.revision }
  }

  /** Resolves with undefined if the webhook has moved, or a test came first. */
  async function pin(owner: string, leased: Leased, pinned: Pinned): Promise<Leased | undefined> {
    const { type, to, toId = to?.id ?? null, toAt = null } = pinned
    const from = to === undefined ? null : leased.deliveredRevision
    const toRevision = to?.revision ?? null
    const [made] = await db.write<{ deliveryId: string; begunAt: string }>(
      'pin delivery',
      sql`
        with held as (
          select item.owner_id, item.id
          from webhooks as item
          where ${isHeld(owner, leased)} and ${isWhereItWas(leased)}
          for no key update)
        insert into webhook_deliveries as delivery (owner_id, webhook_id, id, type, from_revision, to_revision, to_kind, to_id, to_at)
        select held.owner_id, held.id, ${randomUUIDv7()}::uuid, ${type}::delivery_type, ${from}::bigint, ${toRevision}::bigint,
          ${to?.kind ?? null}::text, ${toId}::text, ${toAt}::timestamptz
        from held
        on conflict (owner_id, webhook_id) where state = 'pending' do nothing
        returning delivery.id as delivery_id, delivery.created_at as begun_at`,
    )
    return made && { ...leased, ...made, type, toRevision, toKind: to?.kind ?? null, toId, toAt }
  }
}

type Pinned = { type: 'changes' | 'reset' | 'reminder'; to?: Position; toId?: string; toAt?: string }

const placeOf = ({ deliveredRevision, deliveredKind, deliveredId }: Leased) => place(deliveredRevision, deliveredKind, deliveredId)
const endOfPinned = ({ toRevision, toKind, toId }: Leased) => place(toRevision as number, toKind as Kind, toId as string)

/** The end of a revision is one whatever kinds this release knows. */
function place(revision: number, kind: Kind, id: string): Position {
  return id === lastId ? endOf(revision) : { revision, kind, id }
}

/** `items` are JSON already, because their size was counted. */
function sent(owner: string, leased: Leased, data: Record<string, unknown> & { items?: string[] }, changes: Changes): Prepared {
  const { type, begunAt: timestamp, id: webhookId } = leased
  const { items, ...others } = data
  const envelope = JSON.stringify({ type, timestamp, data: { userId: owner, webhookId, ...others } })
  const body = items === undefined ? envelope : `${envelope.slice(0, -2)},"items":[${items.join(',')}]}}`
  return { kind: 'sent', leased, body, changes }
}

/** The first changes as JSON, at least one, as long as they fit into a body. */
function fitting(all: Change[]): string[] {
  const items: string[] = []
  let size = envelopeBytes
  for (const each of all) {
    const item = JSON.stringify(each)
    size += Buffer.byteLength(item) + 1
    if (size > maxBytes && items.length > 0) break
    items.push(item)
  }
  return items
}
