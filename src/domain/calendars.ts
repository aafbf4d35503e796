// The fields of a calendar, and the statements on calendars.
import type { components } from '../../generated/api.ts'
import type { Call, Claims } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { type Part, sql } from '../database/sql.ts'
import type { Allowed } from '../resource/etag.ts'
import { type Fields, nullable, required } from '../resource/fields.ts'
import type { Guard } from '../resource/item.ts'
import { createToken, tokenHash } from './feed-token.ts'
import { createRows } from './rows.ts'

type Calendar = components['schemas']['Calendar']
type Input = Call<'createCalendar'>['body']
type Secret = { tokenHash: string }

// The link is made with the calendar and never changes. It is shown once, by `create`: the row has only its hash.
const hash = {
  column: 'tokenHash',
  shows: ['lastUsedAt', { name: 'url', expression: sql`null::text` }],
  insert: (value: Part) => sql`decode(${value}, 'hex')`,
  update: () => sql`item.token_hash`,
}
const fields: Fields<Input & Secret> = {
  name: required('text'),
  kind: required('calendar_kind'),
  categoryIds: nullable('uuid[]'),
  labels: nullable('text[]'),
  tokenHash: required('text', hash),
}

/** `publicUrl` is in front of the links; without it, they are paths on the server. */
export function createCalendars(db: Database, publicUrl: string | null) {
  const { currentRevision, one, made, remove, columns, ...rows } = createRows<Calendar, Input & Secret>(db, {
    name: 'calendars',
    noun: 'calendar',
    fields,
    refuse(error) {
      throw error
    },
  })

  return {
    ...{ currentRevision, one, made, remove, columns },

    /** The row that is made has its link. */
    async create(owner: string, claims: Claims, id: string, input: Input, guard?: Guard): Promise<Calendar | undefined> {
      const token = createToken(owner)
      const row = await rows.create(owner, claims, id, { ...distinct(input), tokenHash: tokenHash(token) }, guard)
      return row && { ...row, url: `${publicUrl ?? ''}/v1/calendars/${token}.ics` }
    },

    update: (owner: string, id: string, allowed: Allowed, patch: Partial<Input>) => rows.update(owner, id, allowed, distinct(patch)),

    list: rows.listByCreation,
  }
}

/** A UUID is the same in another case (RFC 9562, section 4), which the schema does not know. */
function distinct<Some extends Partial<Input>>(fields: Some): Some {
  if (!fields.categoryIds) return fields
  return { ...fields, categoryIds: [...new Set(fields.categoryIds.map(id => id.toLowerCase()))] }
}
