// A change that waited for the lock of its account must not decide by rows that it read before the wait.
import { expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { sql } from '../../src/database/sql.ts'
import { bumpRevision, snapshotIsCurrent } from '../../src/domain/revision.ts'
import { eventually } from '../support/clock.ts'
import { record } from '../support/record.ts'
import { test } from '../support/taskspec.ts'

test.for([
  { end: 'commit', revisions: [] },
  { end: 'rollback', revisions: [2] },
])(
  'a change that waits for another one, which ends with $end, bumps the revision only if its snapshot is current',
  async ({ end, revisions }, { service }) => {
    const owner = `ann-${end}`
    await service.sql`insert into users (id, revision, profile_revision) values (${owner}, 1, 1)`
    const db = createDatabase({
      url: parseDatabaseUrl(service.databaseUrl),
      poolSize: 1,
      timeoutFactor: 10,
      observe: statement => record('statements', statement),
    })
    const bump = db.change('bump revision', { owner: 'text' })<{ next: number }>(
      (asked, callers) => sql`${bumpRevision(asked, callers, snapshotIsCurrent(asked.owner))} select owner_id as owner, next from change`,
    )
    const other = await service.sql.reserve()
    await other`begin`
    await other`update users set revision = revision + 1 where id = ${owner}`
    const waiting = bump({ owner })
    await eventually(async () => {
      const locked = await service.sql`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%change as%'`
      expect(locked).toHaveLength(1)
    })
    await other.unsafe(end)
    other.release()

    expect((await waiting).map(({ next }) => next)).toEqual(revisions)
    expect((await bump({ owner })).map(({ next }) => next)).toEqual([3])
    await db.close()
  },
)
