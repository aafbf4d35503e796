import { expect, type TestContext } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { sql } from '../../src/database/sql.ts'
import { freePort } from '../../src/dev/free-port.ts'
import { eventually } from '../support/clock.ts'
import { type Service, test } from '../support/taskspec.ts'

const poolSize = 3
const one = sql`select 1 as one`
const blocked = sql`select pg_advisory_xact_lock_shared(7)`

test('warm opens every connection at the same time, and uses those that are open', async ({ service, onTestFinished }) => {
  const { db, block, waiting } = connect(onTestFinished, service)
  await db.read('select one', one)
  const release = await block()
  const warming = db.warm(blocked)
  await waiting(poolSize)
  expect(db.load()).toMatchObject({ busy: 3, waiting: 0, max: 3, opened: 3, lost: 0 })
  await release()
  await warming
  await db.warm(one)
  expect(db.load()).toMatchObject({ busy: 0, waiting: 0, max: 3, opened: 3, lost: 0 })
})

test('a statement that arrives while warm uses every connection gets the first that is free', async ({ service, onTestFinished }) => {
  const { db, block, waiting } = connect(onTestFinished, service)
  const release = await block()
  const warming = db.warm(blocked)
  const read = db.read('select one', one)
  await waiting(poolSize)
  expect(db.load()).toMatchObject({ busy: 3, waiting: 1 })
  await release()
  expect(await read).toEqual([{ one: 1 }])
  await warming
  expect(db.load()).toMatchObject({ busy: 0, waiting: 0, opened: 3 })
})

test('warm does not wait for statements in flight, unless they use every connection', async ({ service, onTestFinished }) => {
  const { db, block } = connect(onTestFinished, service)
  const release = await block()
  const reads = [db.read('select lock', blocked), db.read('select lock', blocked)]
  await db.warm(one)
  expect(db.load()).toMatchObject({ busy: 2, waiting: 0, opened: 3 })
  reads.push(db.read('select lock', blocked))
  const warming = db.warm(one)
  expect(db.load()).toMatchObject({ busy: 3, waiting: 1 })
  await release()
  await Promise.all([...reads, warming])
  expect(db.load()).toMatchObject({ busy: 0, waiting: 0, opened: 3 })
})

test('warm rejects with the problem of the first connection if none can be opened', async ({ onTestFinished }) => {
  const { db } = connect(onTestFinished, { databaseUrl: `postgres://u:p@127.0.0.1:${await freePort()}/name` })
  await expect(db.warm(one)).rejects.toMatchObject({ status: 503, message: expect.stringContaining('did not answer') })
  expect(db.load()).toMatchObject({ busy: 0, waiting: 0, max: 3, opened: 3, lost: 3 })
})

test('warm is content with a connection that refuses the statement', async ({ service, onTestFinished }) => {
  const { db } = connect(onTestFinished, service)
  await db.warm(sql`select from missing`)
  expect(db.load()).toMatchObject({ opened: 3, lost: 0 })
})

/** A pool of its own, and a lock that `blocked` waits for. */
function connect(atEnd: TestContext['onTestFinished'], { databaseUrl, sql }: Pick<Service, 'databaseUrl'> & Partial<Service>) {
  const db = createDatabase({ url: parseDatabaseUrl(databaseUrl), poolSize, timeoutFactor: 20 })
  atEnd(db.close)
  return {
    db,
    async block() {
      const holder = await (sql as Service['sql']).reserve()
      await holder`select pg_advisory_lock(7)`
      let held = true
      const release = async () => {
        if (held) await holder`select pg_advisory_unlock(7)`
        if (held) holder.release()
        held = false
      }
      atEnd(release) // runs before `db.close`
      return release
    },
    waiting: (count: number) =>
      eventually(async () => {
        const rows = await (sql as Service['sql'])`
          select from pg_stat_activity
          where datname = current_database() and wait_event = 'advisory'`
        expect(rows).toHaveLength(count)
      }),
  }
}
