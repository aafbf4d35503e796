import type { components } from '../../generated/api.ts'
import { found } from '../contract/problem.ts'
import type { Claims, Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { assigned, sql } from '../database/sql.ts'
import { failed, mustMatch, revisions, shown, shownIfNew } from '../resource/etag.ts'

type User = components['schemas']['User']
type Patch = components['schemas']['UserPatch']

export function users({ lookup, write }: Database) {
  // The revision of a profile is that of its own last change, so that a change of a task doesn't make it stale.
  const columns = sql`id, email, name, time_zone, profile_revision as revision, created_at, updated_at`
  const known = lookup({ owner: 'text' })<User>`
    select ${columns}
    from users
    where id = asked.owner`

  return {
    async getUser({ owner, claims, headers }) {
      return shownIfNew(await met(owner, claims), headers['if-none-match'])
    },

    async updateUser({ owner, claims, headers, body }) {
      const match = revisions(headers['if-match'])
      const empty = Object.keys(body).length === 0
      const [changed] = empty ? [] : await change(owner, match, body)
      if (changed !== undefined) return shown(changed)

      const user = await met(owner, claims)
      mustMatch(match, user)
      return shown(empty ? user : found(await change(owner, match, body)))
    },

    async deleteUser({ owner, headers }) {
      const match = revisions(headers['if-match'])
      const erased = await write`
        delete from users
        where id = ${owner} ${matching(match)}
        returning id`
      if (erased.length === 0 && headers['if-match'] !== undefined) throw failed(await known({ owner }))
      return { status: 204 }
    },
  } satisfies Partial<Handlers>

  /** The profile; made on first contact, and with the email of the token. */
  async function met(owner: string, { email, name }: Claims): Promise<User> {
    const [user] = await known({ owner })
    if (user !== undefined && (email === null || email === user.email)) return user

    const [made] = await write<User>`
      insert into users as u (id, email, name, revision, profile_revision)
      values (${owner}, ${email}, ${name}, 1, 1)
      on conflict (id) do update
      set email = excluded.email, revision = u.revision + 1, profile_revision = u.revision + 1, updated_at = now()
      where excluded.email is distinct from u.email and excluded.email is not null
      returning ${columns}`
    return made ?? found(await known({ owner }))
  }

  function change(owner: string, match: number[] | null, fields: Patch) {
    return write<User>`
      update users
      set ${assigned(fields)}, revision = revision + 1, profile_revision = revision + 1, updated_at = now()
      where id = ${owner} ${matching(match)}
      returning ${columns}`
  }

  function matching(match: number[] | null) {
    return match === null ? sql`` : sql`and profile_revision = any(${match}::bigint[])`
  }
}
