// The fields of a webhook, and the statements on webhooks. Their deliveries are in deliveries.ts.
import { randomBytes } from 'node:crypto'
import type { components } from '../../generated/api.ts'
import type { Call, Claims } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { constant, identifier, type Part, sql } from '../database/sql.ts'
import type { Allowed } from '../resource/etag.ts'
import { type Field, type Fields, nullable, required } from '../resource/fields.ts'
import type { Guard } from '../resource/item.ts'
import { mayUse } from './access.ts'
import { bumpRevision } from './revision.ts'
import { createRows, current, matched } from './rows.ts'
import { requireUrl } from './webhook-url.ts'

export type Webhook = components['schemas']['Webhook']
type Input = Call<'createWebhook'>['body']
/** Columns that follow from the input. `true` begins the column anew. */
type State = {
  secret?: string
  disabledReason?: 'user' | null
  deliveredRevision?: never
  remindedUntil?: boolean
  failingSince?: boolean
  attempts?: boolean
  nextAttemptAt?: boolean
}

// Disabling it again keeps the first instant and the reason.
const enabled = {
  column: 'disabledAt',
  shows: ['enabled', 'disabledAt'],
  insert: (value: Part) => sql`case when not ${value} then now() end`,
  update: (value: Part) =>
    sql`case when ${value} is null then item.disabled_at when not ${value} then coalesce(item.disabled_at, (select now())) end`,
}
const disabledReason = {
  column: 'disabledReason',
  shows: ['disabledReason'],
  insert: (value: Part) => value,
  update: (value: Part, cleared: Part) =>
    sql`case when not 'disabledReason' = any(${cleared}) then coalesce(item.disabled_reason, ${value}) end`,
}
const secret = {
  column: 'secret',
  shows: [{ name: 'secret', expression: sql`null::text` }],
  insert: (value: Part) => value,
  update: () => sql`item.secret`,
}
// The creation itself is not delivered.
const deliveredRevision = {
  column: 'deliveredRevision',
  shows: ['deliveredRevision'],
  insert: () => sql`next`,
  update: () => sql`item.delivered_revision`,
}
const remindedUntil = {
  column: 'remindedUntil',
  shows: [],
  insert: () => sql`now()`,
  update: (isNow: Part) => sql`case when ${isNow} and not 'reminder' = any(item.kinds) then (select now()) else item.reminded_until end`,
}
const begun = (column: string, value: Part, shows: string[] = []): Field<false> =>
  required('boolean', {
    ...{ column, shows },
    insert: () => value,
    update: isAnew => sql`case when ${isAnew} then ${value} else item.${identifier(column)} end`,
  })
const fields: Fields<Input & State> = {
  url: required('text'),
  kinds: required('text[]'),
  enabled: required('boolean', enabled),
  disabledReason: { ...nullable('webhook_disabled_reason'), stored: disabledReason },
  secret: required('text', secret),
  deliveredRevision: required('bigint', deliveredRevision),
  remindedUntil: required('boolean', remindedUntil),
  failingSince: begun('failingSince', sql`null`, ['failingSince']),
  attempts: begun('attempts', sql`0`),
  nextAttemptAt: begun('nextAttemptAt', sql`null`),
}
const anew = { failingSince: true, attempts: true, nextAttemptAt: true }
const overlap = sql`interval ${constant('24 hours')}` // of two secrets

/** `allowsPrivate`: whether the URL may have a private address, and no TLS. */
export function createWebhooks(db: Database, allowsPrivate: boolean) {
  const { currentRevision, one, made, remove, columns, item, ...rows } = createRows<Webhook, Input & State>(db, {
    name: 'webhooks',
    noun: 'webhook',
    fields,
    refuse(error) {
      throw error
    },
    erased: sql`secret = '', previous_secret = null, previous_secret_until = null,`,
    afterDelete: (asked, callers) => sql`,
      erased as (
        delete from webhook_deliveries as delivery
        using deleted ${callers.join(sql`deleted.owner`)}
        where ${mayUse(sql`delivery.owner_id`, asked.owner)} and delivery.webhook_id = deleted.id)`,
  })
  const rotate = db.change('rotate secret', { ...matched, secret: 'text' })<Webhook>(
    (asked, callers) => sql`
      ${bumpRevision(asked, callers, sql`exists (select from ${item} where ${current(asked)})`)}
      update ${item}
      set previous_secret = item.secret, previous_secret_until = ${callers.now} + ${overlap}, secret = ${asked.secret},
        revision = next, updated_at = ${callers.now}
      from change ${callers.join(sql`change.owner_id`)}
      where ${current(asked)}
      returning item.owner_id as owner, ${columns}`,
  )

  return {
    ...{ currentRevision, one, made, remove, columns, item },

    /** The row that is made has its secret. */
    async create(owner: string, claims: Claims, id: string, input: Input, guard?: Guard): Promise<Webhook | undefined> {
      requireUrl(input.url, allowsPrivate)
      const secret = createSecret()
      const row = await rows.create(owner, claims, id, { ...input, ...reason(input.enabled), secret }, guard)
      return row && { ...row, secret }
    },

    update(owner: string, id: string, allowed: Allowed, patch: Partial<Input>): Promise<Webhook[]> {
      const { url, enabled, kinds } = patch
      if (url !== undefined) requireUrl(url, allowsPrivate)
      const begins = enabled === true || url !== undefined
      const state = { ...reason(enabled), ...(begins && anew), remindedUntil: kinds?.includes('reminder') ?? false }
      return rows.update(owner, id, allowed, { ...patch, ...state })
    },

    /** Resolves with the row and its new secret. The one before stays valid for a while. */
    async rotate(owner: string, id: string, { match, except }: Allowed): Promise<Webhook[]> {
      const secret = createSecret()
      return (await rotate({ owner, id, match, except, secret })).map(row => ({ ...row, secret }))
    },

    list: rows.listByCreation,
  }
}

/** As Standard Webhooks writes it. */
const createSecret = () => `whsec_${randomBytes(32).toString('base64')}`

function reason(enabled: boolean | undefined): Pick<State, 'disabledReason'> {
  return enabled === undefined ? {} : { disabledReason: enabled ? null : 'user' }
}
