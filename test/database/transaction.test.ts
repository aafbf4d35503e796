// Transactions over the pool of a server, against a real PostgreSQL.
import { expect, inject, type TestContext } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase as createPool, type DatabaseOptions } from '../../src/database/database.ts'
import { sql } from '../../src/database/sql.ts'
import { accountLock, bumpRevision, createRevision } from '../../src/domain/revision.ts'
import { createSteps, type Step } from '../../src/observe/spans.ts'
import { needs } from '../support/checks.ts'
import { eventually } from '../support/clock.ts'
import { lockAccount } from '../support/lock.ts'
import { startPooler } from '../support/pooler.ts'
import { poolerAndProxy } from '../support/programs.ts'
import { type Service, test } from '../support/taskspec.ts'

const poolSize = 4
const failing = sql`select 1 / 0`
const divisionByZero = { code: '22012' }

test('a transaction takes effect as a whole, and others see nothing before', async ({ service, onTestFinished }) => {
  const { db, bump, revision } = await connect(onTestFinished, service, 'whole')
  const result = await db.transaction(async () => {
    await bump()
    await bump()
    expect(await revision()).toBe(3)
    expect(await revisionOf(service, 'whole')).toBe(1)
    return 'done'
  })
  expect(result).toBe('done')
  expect(await revisionOf(service, 'whole')).toBe(3)
  expect(db.load()).toMatchObject({ busy: 0, waiting: 0, opened: 1, lost: 0 })
})

test.for(['rejects', 'ignores a statement that failed', 'does not wait for a statement that fails'])(
  'a transaction has no effect if its work %s',
  async (how, { service, onTestFinished }) => {
    const { db, bump } = await connect(onTestFinished, service, how)
    const work = async () => {
      await bump()
      if (how === 'rejects') throw new RangeError('own')
      const failed = db.read('fail', failing).catch(() => {})
      if (how === 'ignores a statement that failed') {
        await failed
        await expect(bump()).rejects.toMatchObject(divisionByZero)
      }
    }
    await expect(db.transaction(work)).rejects.toMatchObject(how === 'rejects' ? { message: 'own' } : divisionByZero)
    expect(await revisionOf(service, how)).toBe(1)
    expect(await db.read('select one', sql`select 1 as one`)).toEqual([{ one: 1 }])
    expect(db.load()).toMatchObject({ busy: 0, opened: 1, lost: 0 })
  },
)

test('statements of one moment go one after the other', async ({ service, onTestFinished }) => {
  const { db, bump, sent } = await connect(onTestFinished, service, 'moment')
  const rows = await db.transaction(() => Promise.all([bump(), bump(), bump()]))
  expect(rows.map(([row]) => row?.next)).toEqual([2, 3, 4])
  expect(sent.at(0)).toBe('begin')
  expect(sent.at(-1)).toBe('commit')
  expect(sent).toHaveLength(5)
})

test('no statement of a transaction is shared, and others share theirs at the same moment', async ({ service, onTestFinished }) => {
  const { db, bump, sent } = await connect(onTestFinished, service, 'inside')
  for (const owner of ['outside1', 'outside2']) await insertAccount(service, owner)
  const go = Promise.withResolvers<void>()
  const inside = db.transaction(async () => {
    await go.promise
    return bump()
  })
  await eventually(async () => expect(sent).toEqual(['begin']))
  go.resolve()
  await go.promise
  const outside = [bump('outside1'), bump('outside2')]
  expect([await inside, ...(await Promise.all(outside))]).toEqual([[{ next: 2 }], [{ next: 2 }], [{ next: 2 }]])
  expect(sent.filter(text => text.includes('update users'))).toHaveLength(2)
  expect(sent.filter(text => text.includes('json_to_recordset'))).toHaveLength(1)
})

test('a savepoint fails without its transaction', async ({ service, onTestFinished }) => {
  const { db, bump } = await connect(onTestFinished, service, 'savepoint')
  await db.transaction(async () => {
    await bump()
    const part = async () => {
      await bump()
      await db.transaction(() => bump())
      await expect(db.savepoint(() => db.read('fail', failing))).rejects.toMatchObject(divisionByZero)
      await bump()
      await db.read('fail', failing)
    }
    await expect(Promise.all([db.savepoint(part), bump()])).rejects.toMatchObject(divisionByZero)
    expect(await db.savepoint(() => bump())).toEqual([{ next: 4 }])
  })
  expect(await revisionOf(service, 'savepoint')).toBe(4)
})

test('a savepoint outside of a transaction is just its work', async ({ service, onTestFinished }) => {
  const { db, bump, sent } = await connect(onTestFinished, service, 'alone')
  await db.savepoint(() => bump())
  expect(sent).toHaveLength(1)
  expect(await revisionOf(service, 'alone')).toBe(2)
})

test('the changes of one change keep its revision, and count from earlier', async ({ service, onTestFinished }) => {
  const { db, bump } = await connect(onTestFinished, service, 'one')
  await db.transaction(async () => {
    expect(await bump()).toEqual([{ next: 2 }])
    const parts = db.asOne(async () => {
      expect(db.isPart()).toBe(true)
      await bump()
      return db.savepoint(() => bump())
    })
    expect(await parts).toEqual([{ next: 2 }])
    expect(db.isPart()).toBe(false)
  })
  const [account] =
    await service.sql`select revision, start_revision, task_room, category_room, calendar_room, webhook_room from users where id = 'one'`
  expect(account).toEqual({
    revision: '2',
    start_revision: '-2',
    task_room: '-2',
    category_room: '-2',
    calendar_room: '-2',
    webhook_room: '-2',
  })
})

test('a statement after the end of its transaction is refused', async ({ service, onTestFinished }) => {
  const { db, bump } = await connect(onTestFinished, service, 'late')
  const go = Promise.withResolvers<void>()
  const late = await db.transaction(async () => ({ bumped: go.promise.then(() => bump()) }))
  go.resolve()
  await expect(late.bumped).rejects.toThrow('after the end of its transaction')
  expect(await revisionOf(service, 'late')).toBe(1)
})

test('a connection that is lost in the middle is a 503, and nothing has happened', async ({ service, onTestFinished }) => {
  const { db, bump } = await connect(onTestFinished, service, 'lost')
  const work = async () => {
    await bump()
    await terminate(service, await backendOf(db))
    await bump()
  }
  await expect(db.transaction(work)).rejects.toMatchObject({ status: 503 })
  expect(await revisionOf(service, 'lost')).toBe(1)
  expect(await db.transaction(() => bump())).toEqual([{ next: 2 }])
  expect(db.load()).toMatchObject({ busy: 0, waiting: 0 })
})

test('a connection that is lost before the commit is a 503, and nothing has happened', async ({ service, onTestFinished }) => {
  const { db, bump } = await connect(onTestFinished, service, 'commit')
  const work = async () => {
    await bump()
    await terminate(service, await backendOf(db))
  }
  await expect(db.transaction(work)).rejects.toMatchObject({ status: 503 })
  expect(await revisionOf(service, 'commit')).toBe(1)
})

test('a connection that was lost while it was idle is replaced at the begin', async ({ service, onTestFinished }) => {
  const { db, bump } = await connect(onTestFinished, service, 'idle')
  await terminate(service, await backendOf(db))
  expect(await db.transaction(() => bump())).toEqual([{ next: 2 }])
})

test('a transaction is rolled back at its deadline, also while it waits for something else', async ({ service, onTestFinished }) => {
  const { db, bump } = await connect(onTestFinished, service, 'deadline', { timeoutFactor: 0.2 })
  const hangs = async () => {
    await bump()
    await db.savepoint(() => new Promise<never>(() => {}))
  }
  await expect(db.transaction(hangs)).rejects.toMatchObject({ status: 503, headers: { 'Retry-After': '5' } })
  expect(await revisionOf(service, 'deadline')).toBe(1)
  expect(db.load()).toMatchObject({ busy: 0, waiting: 0 })
  const { release } = await lockAccount(service.sql, 'deadline')
  await release()
})

test('a statement inside has the timeout of every statement', async ({ service, onTestFinished }) => {
  const { db, bump } = await connect(onTestFinished, service, 'timeout', { timeoutFactor: 0.2 })
  await lockAccount(service.sql, 'timeout')
  await expect(db.transaction(() => bump())).rejects.toMatchObject({ status: 503 })
  expect(db.load()).toMatchObject({ busy: 0 })
})

test('transactions take half of the pool at most, and the others wait for them', async ({ service, onTestFinished }) => {
  const { db, bump } = await connect(onTestFinished, service, 'half')
  const go = Promise.withResolvers<void>()
  const all = Array.from({ length: 5 }, () =>
    db.transaction(async () => {
      await go.promise
      return bump()
    }),
  )
  await eventually(async () => expect(db.load()).toMatchObject({ busy: 2, waiting: 3, max: 4 }))
  expect(await Promise.all([revisionOf(service, 'half'), db.read('select one', sql`select 1 as one`)])).toEqual([1, [{ one: 1 }]])
  go.resolve()
  expect((await Promise.all(all)).map(([row]) => row?.next).sort()).toEqual([2, 3, 4, 5, 6])
  expect(db.load()).toMatchObject({ busy: 0, waiting: 0 })
})

test('a transaction that gets no place in time is a 503', async ({ service, onTestFinished }) => {
  const { db } = await connect(onTestFinished, service, 'place', { timeoutFactor: 3, poolSize: 1 })
  const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const first = db.transaction(() => {
    began.resolve()
    return go.promise
  })
  await Promise.race([began.promise, first])
  await expect(db.transaction(async () => {})).rejects.toMatchObject({ status: 503, message: expect.stringContaining('wait') })
  go.resolve()
  await first
})

test('closing waits for the transactions', async ({ service }) => {
  const { db, bump } = await connect(() => {}, service, 'close')
  const began = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  const result = db.transaction(async () => {
    await bump()
    began.resolve()
    await go.promise
    return bump()
  })
  await began.promise
  const closed = db.close()
  go.resolve()
  expect(await result).toEqual([{ next: 3 }])
  await closed
  expect(await revisionOf(service, 'close')).toBe(3)
})

test('PostgreSQL ends a transaction whose client has vanished', async ({ service, onTestFinished }) => {
  const { db } = await connect(onTestFinished, service, 'vanished')
  const [row] = await db.read<{ ms: string }>(
    'select setting',
    sql`select setting as ms from pg_settings where name = 'idle_in_transaction_session_timeout'`,
  )
  expect(row?.ms).toBe(String(10_000 * 20))
})

test('each statement of a transaction is a step', async ({ service, onTestFinished }) => {
  const steps = createSteps()
  const { db, bump } = await connect(onTestFinished, service, 'steps', { steps })
  const list: Step[] = []
  await steps.into(list, () =>
    db.transaction(async () => {
      await bump()
      await db.savepoint(async () => {})
    }),
  )
  expect(list.map(({ statement }) => statement)).toEqual(['begin', 'bump revision', 'savepoint part', 'release savepoint part', 'commit'])
  expect(list.every(({ ended, sent }) => ended !== undefined && sent.length === 1)).toBe(true)
})

test('transactions work behind a pooler in transaction mode', {
  ...needs(inject('programs').pgbouncer !== null, poolerAndProxy),
}, async ({ service, onTestFinished }) => {
  const pooler = await startPooler(service.databaseUrl, onTestFinished, { default_pool_size: 2 })
  const { db, bump } = await connect(onTestFinished, service, 'pooled', { url: parseDatabaseUrl(pooler.url), pooler: true })
  const all = Array.from({ length: 20 }, (_, i) =>
    db.transaction(async () => {
      await bump()
      await db
        .savepoint(async () => {
          await bump()
          throw new Error('part')
        })
        .catch(() => {})
      if (i % 2 === 0) throw new Error('whole')
    }),
  )
  await Promise.allSettled(all)
  expect(await revisionOf(service, 'pooled')).toBe(11)
  const lost = db.transaction(async () => {
    await bump()
    await pooler.kill()
    await bump()
  })
  await expect(lost).rejects.toMatchObject({ status: 503 })
  await eventually(async () => expect(await revisionOf(service, 'pooled')).toBe(11))
})

/** A pool of its own, with an account of revision 1. */
async function connect(atEnd: TestContext['onTestFinished'], service: Service, owner: string, options: Partial<DatabaseOptions> = {}) {
  const sent: string[] = []
  const db = createPool({
    url: parseDatabaseUrl(service.databaseUrl),
    poolSize,
    timeoutFactor: 20,
    ownerLock: accountLock,
    observe: text => sent.push(text),
    ...options,
  })
  atEnd(db.close)
  const bump = db.change('bump revision', { owner: 'text' })<{ next: number }>(
    (asked, callers) => sql`${bumpRevision(asked, callers, sql`true`)} select owner_id as owner, next from change`,
  )
  const revision = createRevision(db)
  await insertAccount(service, owner)
  return { db, sent, bump: (id = owner) => bump({ owner: id }), revision: () => revision(owner) }
}

async function insertAccount({ sql }: Service, owner: string) {
  await sql`insert into users (id, revision, profile_revision) values (${owner}, 1, 1)`
}

async function revisionOf({ sql }: Service, owner: string): Promise<number | undefined> {
  const [row] = await sql`select revision::integer from users where id = ${owner}`
  return row?.revision
}

async function backendOf(db: ReturnType<typeof createPool>): Promise<number> {
  const [row] = await db.read<{ pid: number }>('select backend', sql`select pg_backend_pid() as pid`)
  return (row as { pid: number }).pid
}

/** Resolves when the backend is gone. */
async function terminate({ sql }: Service, pid: number) {
  await sql`select pg_terminate_backend(${pid}, 10000)`
}
