// Every change of a person's rows is counted in that person's row of users, by the changing statement itself:
// the row lock puts one person's changes in commit order. These are the parts of statements that do it.
import type { Claims } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { type Part, sql } from '../database/sql.ts'

export function account({ lookup }: Database) {
  const counted = lookup({ owner: 'text' })<{ revision: number }>`
    select revision
    from users
    where id = asked.owner`

  return {
    /** What `opened` asks for. */
    opening: { owner: 'text', ownerEmail: 'text', ownerName: 'text' } as const,

    opener: (owner: string, { email, name }: Claims) => ({ owner, ownerEmail: email, ownerName: name }),

    /** For a change that may be the person's first: makes the account, or counts the change where `allowed` of its row `u`. */
    opened: (allowed: Part) => sql`
      change as (
        insert into users as u (id, email, name, revision, profile_revision)
        select asked.owner, asked.owner_email, asked.owner_name, 1, 1
        from asked
        on conflict (id) do update set revision = u.revision + 1
        where ${allowed}
        returning u.id as owner_id, u.revision as next)`,

    /**
     * For a change of a row: counts nothing where `row` selects nothing. Of several at once under one ETag, those that
     * wait for the winner have seen the row before: each of them may count once for nothing, which only makes an ETag newer.
     */
    changed: (row: Part) => sql`
      change as (
        update users as u
        set revision = u.revision + 1
        from asked
        where u.id = asked.owner and exists (${row})
        returning u.id as owner_id, u.revision as next)`,

    /** The fields that a patch clears: in a statement for many, null says that a field isn't given. */
    cleared: (patch: object) => Object.entries(patch).flatMap(([name, value]) => (value === null ? name : [])),

    /** The rows of a list with the revision of the account as of the same instant; one row without them where there are none. */
    listed: (owner: Part, columns: Part, page: Part) => sql`
      with account as (
        select revision as as_of
        from users
        where id = ${owner})
      select as_of, ${columns}
      from account left join lateral ${page} on true`,

    /** How many changes the account has seen: the ETag of its lists. 0 before the first contact. */
    async revision(owner: string): Promise<number> {
      const [row] = await counted({ owner })
      return row?.revision ?? 0
    },
  }
}
