// The profile of an import. Its email is that of the token.
import type { Claims } from '../../contract/types.ts'
import type { Database } from '../../database/database.ts'
import { joined, type Part, sql } from '../../database/sql.ts'
import { mayUse } from '../access.ts'
import { createUsers } from '../users.ts'
import type { ProfileEntry } from './items.ts'
import type { Outcome } from './report.ts'

type Run = { owner: string; claims: Claims; dryRun: boolean }

export function createProfileImport(db: Database) {
  const users = createUsers(db)

  return async ({ input, kept }: ProfileEntry, { owner, claims, dryRun }: Run): Promise<Outcome> => {
    const [user] = await users.one(owner)
    const before = { name: claims.name, timeZone: null, createdAt: null, updatedAt: null, ...user }
    const { name = before.name, timeZone = before.timeZone } = input
    const { createdAt = before.createdAt, updatedAt = before.updatedAt } = kept
    const isSame = name === before.name && timeZone === before.timeZone && createdAt === before.createdAt && updatedAt === before.updatedAt
    if (isSame) return 'unchanged'
    if (dryRun) return 'updated'
    const given: Part[] = [
      input.name === undefined ? [] : sql`name = ${input.name},`,
      input.timeZone === undefined ? [] : sql`time_zone = ${input.timeZone},`,
      kept.createdAt === undefined ? [] : sql`created_at = ${kept.createdAt},`,
    ].flat()
    await db.write(
      'import profile',
      sql`
        update users
        set ${joined(given)} updated_at = coalesce(${kept.updatedAt ?? null}::timestamptz, (select now())),
          revision = revision + 1, profile_revision = revision + 1
        where ${mayUse(sql`id`, sql`${owner}`)}`,
    )
    return 'updated'
  }
}
