import type { components } from '../../generated/api.ts'
import { found } from '../contract/problem.ts'
import type { Call, Claims, Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { assigned, sql } from '../database/sql.ts'
import { mayUse } from '../domain/access.ts'
import { firstRevision } from '../domain/revision.ts'
import { conditionalReply, matchRevisions, okReply, preconditionFailed, requireMatch } from '../resource/etag.ts'

type User = components['schemas']['User']
type Patch = Call<'updateUser'>['body']

export function createUserHandlers({ lookup, write }: Database) {
  // The revision of a profile is the one of its own last change, so that a change of a task doesn't outdate its ETag.
  const columns = sql`id, email, name, time_zone, profile_revision as revision, created_at, updated_at`
  const one = lookup('select user', { owner: 'text' })<User>(
    asked => sql`
      select ${columns}
      from users
      where ${mayUse(sql`id`, asked.owner)}`,
  )

  return {
    async getUser({ owner, claims, headers }) {
      return conditionalReply(await ensureUser(owner, claims), headers['if-none-match'])
    },

    async updateUser({ owner, claims, headers, body }) {
      const match = matchRevisions(headers['if-match'])
      const isEmpty = Object.keys(body).length === 0
      const [changed] = isEmpty ? [] : await update(owner, match, body)
      if (changed !== undefined) return okReply(changed)

      const user = await ensureUser(owner, claims)
      requireMatch(match, user)
      return okReply(isEmpty ? user : found(await update(owner, match, body)))
    },

    async deleteUser({ owner, headers }) {
      const erased = await write(
        'delete user',
        sql`
          delete from users
          where ${mayUse(sql`id`, sql`${owner}`)} ${ifRevision(matchRevisions(headers['if-match']))}
          returning id`,
      )
      if (erased.length === 0 && headers['if-match'] !== undefined) throw preconditionFailed(await one({ owner }))
      return { status: 204 }
    },
  } satisfies Partial<Handlers>

  /** The profile; created on first contact, and with the email of the token. */
  async function ensureUser(owner: string, { email, name }: Claims): Promise<User> {
    const [user] = await one({ owner })
    if (user !== undefined && (email === null || email === user.email)) return user

    const [created] = await write<User>(
      'put user',
      sql`
        insert into users as u (id, email, name, revision, profile_revision, start_revision)
        values (${owner}, ${email}, ${name}, ${firstRevision}, ${firstRevision}, ${firstRevision} - 1)
        on conflict (id) do update
        set email = excluded.email, revision = u.revision + 1, profile_revision = u.revision + 1, updated_at = excluded.updated_at
        where excluded.email is distinct from u.email and excluded.email is not null
        returning ${columns}`,
    )
    return created ?? found(await one({ owner }))
  }

  function update(owner: string, match: number[] | null, fields: Patch) {
    return write<User>(
      'update user',
      sql`
        update users
        set ${assigned(fields)}, revision = revision + 1, profile_revision = revision + 1, updated_at = now()
        where ${mayUse(sql`id`, sql`${owner}`)} ${ifRevision(match)}
        returning ${columns}`,
    )
  }

  function ifRevision(match: number[] | null) {
    return match === null ? sql`` : sql`and profile_revision = any(${match}::bigint[])`
  }
}
