// The statements of live events: which of many accounts have changed, and what has changed in one of them.
import type { Database } from '../database/database.ts'
import { sql } from '../database/sql.ts'
import { mayUse } from './access.ts'
import { type Account, kinds, latest } from './changes.ts'

/** No row tells what was changed up to the revision `unknownUntil`: tombstones were purged, or the account was another one. */
type Row = Pick<Account, 'revision' | 'latest'> & { unknownUntil: number }

const noAccount = { revision: 0, unknownUntil: 0, latest: {} as Account['latest'] }

export function createWatch(db: Database) {
  const select = db.lookup('select latest revisions', { owner: 'text' })<Row>(
    asked => sql`
      select account.revision, greatest(account.purged_revision, account.start_revision) as unknown_until, ${latest(asked.owner)} as latest
      from users as account
      where ${mayUse(sql`account.id`, asked.owner)}`,
  )

  return {
    /** The revisions of those that have an account. */
    revisions: (owners: readonly string[]) =>
      db.read<{ id: string; revision: number }>('select revisions', sql`select id, revision from users where id = any(${owners}::text[])`),

    /**
     * The revision of the account, 0 if there is none, and the kinds of resources that have changed since another one: all kinds if that
     * can't be told, none if that revision is undefined.
     */
    async since(owner: string, since: number | undefined): Promise<{ revision: number; kinds: readonly string[] }> {
      const [account] = await select({ owner })
      const { revision, unknownUntil, latest } = account ?? noAccount
      if (since === undefined || since === revision) return { revision, kinds: [] }
      const isKnown = unknownUntil <= since && since < revision
      return { revision, kinds: isKnown ? kinds.filter(kind => (latest[kind] ?? 0) > since) : kinds }
    },
  }
}
