// The statements on the account of a user and its profile.
import type { components } from '../../generated/api.ts'
import type { Call, Claims } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { assigned, sql } from '../database/sql.ts'
import type { Allowed } from '../resource/etag.ts'
import { mayUse } from './access.ts'
import { insertAccount, isAllowedRevision, settled } from './revision.ts'

type User = components['schemas']['User']
type Patch = Call<'updateUser'>['body']

const maxAttempts = 5
// The revision of a profile is the one of its own last change, so that a change of a task doesn't outdate its ETag.
const columns = sql`id, email, name, time_zone, profile_revision as revision, created_at, updated_at`
/** A field of the spec that is missing here does not compile. */
const fields = { name: true, timeZone: true } satisfies Record<keyof Patch, true>

export function createUsers({ lookup, write }: Database) {
  const select = lookup('select user', { owner: 'text' })<User>(
    asked => sql`
      select ${columns}
      from users
      where ${mayUse(sql`id`, asked.owner)}`,
  )
  const one = (owner: string) => select({ owner })

  return {
    one,

    /** The profile; created on first contact, and with the email of the token. */
    ensure(owner: string, claims: Claims): Promise<User> {
      return settled(maxAttempts, async () => {
        const [user] = await one(owner)
        if (user !== undefined && (claims.email === null || claims.email === user.email)) return user
        const [created] = await write<User>(
          'put user',
          sql`
            ${insertAccount(owner, claims)}
            on conflict (id) do update
            set email = excluded.email, revision = u.revision + 1, profile_revision = u.revision + 1, updated_at = excluded.updated_at
            where excluded.email is distinct from u.email and excluded.email is not null
            returning ${columns}`,
        )
        return created
      })
    },

    /** Resolves with no row if there is no account in an allowed revision. */
    update(owner: string, allowed: Allowed, patch: Patch) {
      const columnsOfPatch = Object.fromEntries(Object.entries(patch).filter(([name]) => Object.hasOwn(fields, name)))
      return write<User>(
        'update user',
        sql`
          update users
          set ${assigned(columnsOfPatch)}, revision = revision + 1, profile_revision = revision + 1, updated_at = now()
          where ${mayUse(sql`id`, sql`${owner}`)} ${isAllowedRevision(sql`profile_revision`, allowed)}
          returning ${columns}`,
      )
    },

    /** Deletes the account and, by cascade, every row that it owns. */
    erase(owner: string, allowed: Allowed) {
      return write(
        'delete user',
        sql`
          delete from users
          where ${mayUse(sql`id`, sql`${owner}`)} ${isAllowedRevision(sql`profile_revision`, allowed)}
          returning id`,
      )
    },
  }
}
