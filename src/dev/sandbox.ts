// `npm run sandbox`: the real server with demo users, on a temporary database, with a clock that can be
// moved and with faults on request.
import { randomUUIDv7 } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tokenFor } from '../auth/issue.ts'
import { ConfigError, readConfig } from '../config/config.ts'
import { parseDatabaseUrl } from '../config/database-url.ts'
import { createDatabase, type Database } from '../database/database.ts'
import { errorCode } from '../database/errors.ts'
import { migrate } from '../database/migrate.ts'
import { sql } from '../database/sql.ts'
import { api } from '../handlers/index.ts'
import { createLog } from '../observe/log.ts'
import { serve } from '../server.ts'
import { type DemoUser, demoUsers, feedToken } from './demo-users.ts'
import { developmentAuth } from './key.ts'
import { startPostgres } from './postgres.ts'
import { createClock } from './sandbox-clock.ts'
import { withControls } from './sandbox-controls.ts'
import { aroundFaults, withFaults } from './sandbox-faults.ts'

const defaultPort = 4020
const maxSeedChanges = 1_000 // of one account
const uniqueViolation = '23505' // SQLSTATE
const settings = {
  host: '127.0.0.1',
  publicUrl: null,
  poolSize: 10,
  workers: 1,
  pooler: false,
  sharded: false,
  corsOrigins: null,
  limits: { perMinute: 0, shared: false },
  privateWebhooks: false,
  listCacheBytes: 0, // the clock can be set back, and with it the revision of a new account
  metricsPort: null,
  timing: true,
  tracing: null,
  maxEventStreams: 1000,
  trustProxy: 0,
}

/** Starts the sandbox. `stop` also deletes its database. */
export async function createSandbox({ port = defaultPort, logLevel = 'warn' } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-sandbox-'))
  // The data is deleted with the process, so writes need not be durable.
  const postgres = await startPostgres({ directory, settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } })
  async function removePostgres() {
    await postgres.stop('immediate')
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const databaseUrl = parseDatabaseUrl(`${postgres.url}postgres`)
    await migrate(databaseUrl, { quiet: true })
    const db = createDatabase({ url: databaseUrl, poolSize: 1 })
    const clock = await createClock(db)
    let startRevision = 0
    // Above every revision before a reset, so that no ETag from before it matches.
    async function reset() {
      await clock.setAhead(0)
      startRevision = Math.max(Date.now(), startRevision + maxSeedChanges)
      await seed(db, startRevision)
    }
    await reset()

    const auth = await developmentAuth()
    const server = await serve(
      { ...settings, port, databaseUrl, auth },
      {
        log: createLog(logLevel),
        api: withControls(withFaults(api), { clock, auth, reset }),
        around: listener => aroundFaults(clock.around(listener)),
        webhooks: 'off', // its sample data and the data of its users are no reason to send anything anywhere
      },
    )
    return {
      url: server.url,
      auth,
      async stop() {
        await server.stop()
        clock.stop()
        await db.close()
        await removePostgres()
      },
    }
  } catch (error) {
    await removePostgres()
    throw error
  }
}

/** Deletes all users and inserts the demo users, one statement each. Starts again if a request creates one of them in between. */
async function seed({ write }: Pick<Database, 'write'>, startRevision: number, attempts = 100): Promise<void> {
  try {
    await write('delete users', sql`delete from users`)
    for (const user of demoUsers(new Date().toISOString().slice(0, 10))) await insert(write, user, startRevision)
  } catch (error) {
    if (errorCode(error) !== uniqueViolation || attempts === 1) throw error
    await seed({ write }, startRevision, attempts - 1)
  }
}

async function insert(write: Database['write'], user: DemoUser, start: number) {
  const { id: owner, email, name, timeZone, categories, tasks, calendars, webhooks } = user
  const revision = start + 1 + categories.length + tasks.length + calendars.length + webhooks.length
  const defaults = {
    description: null,
    completedAt: null,
    priority: 'none',
    categoryId: null,
    parentId: null,
    depth: 0,
    sortKey: null,
    dueDate: null,
    dueTime: null,
    startDate: null,
    deadlineDate: null,
    durationMinutes: null,
    timeZone: null,
    labels: [],
    reminders: [],
    recurrence: null,
  }
  const rows = {
    calendars: calendars.map((calendar, i) => ({ ...calendar, revision: start + 2 + categories.length + tasks.length + i })),
    webhooks: webhooks.map((webhook, i) => ({ ...webhook, revision: revision - webhooks.length + 1 + i })),
    categories: categories.map((category, i) => ({ ...category, revision: start + 2 + i })),
    // Oldest first, so that revisions have the order of the dates.
    tasks: tasks
      .toSorted((a, b) => b.daysAgo - a.daysAgo)
      .map((task, i) => ({ id: randomUUIDv7(), ...defaults, ...task, revision: start + 2 + categories.length + i })),
  }
  await write(
    'insert user',
    sql`
    with new_user as (
      insert into users (id, email, name, time_zone, revision, profile_revision, start_revision, created_at, updated_at)
      values (${owner}, ${email}, ${name}, ${timeZone}, ${revision}, ${start + 1}, ${start}, now() - interval '90 days', now() - interval '90 days')
      returning id as owner_id),
    new_categories as (
      insert into categories as c (owner_id, id, name, color, position, revision, created_at, updated_at, deleted_at)
      select owner_id, row.id, row.name, row.color, row.position, row.revision, now() - interval '85 days', now() - interval '85 days',
        now() - row."deletedDaysAgo" * interval '1 day'
      from new_user, jsonb_to_recordset(${JSON.stringify(rows.categories)}::text::jsonb)
        as row (id uuid, name text, color text, position integer, revision bigint, "deletedDaysAgo" integer)
      returning c.id),
    new_calendars as (
      insert into calendars as c (owner_id, id, name, kind, category_ids, labels, token_hash, revision)
      select owner_id, row.id, row.name, row.kind, row."categoryIds", row.labels, sha256(convert_to(row.token, 'UTF8')), row.revision
      from new_user, jsonb_to_recordset(${JSON.stringify(rows.calendars)}::text::jsonb)
        as row (id uuid, name text, kind calendar_kind, "categoryIds" uuid[], labels text[], token text, revision bigint)
      returning c.id),
    new_webhooks as (
      insert into webhooks as w (owner_id, id, url, kinds, secret, delivered_revision, disabled_at, disabled_reason, revision)
      select owner_id, row.id, row.url, row.kinds, row.secret, row.revision, now(), 'user', row.revision
      from new_user, jsonb_to_recordset(${JSON.stringify(rows.webhooks)}::text::jsonb)
        as row (id uuid, url text, kinds text[], secret text, revision bigint)
      returning w.id)
    insert into tasks as t (owner_id, id, title, description, completed_at, priority, category_id, parent_id, depth, sort_key, due_date, due_time, start_date,
      deadline_date, duration_minutes, time_zone, labels, reminders, recurrence, revision, created_at, updated_at, deleted_at)
    select owner_id, row.id, row.title, row.description, row."completedAt", row.priority, row."categoryId", row."parentId", row.depth, row."sortKey", row."dueDate", row."dueTime",
      row."startDate", row."deadlineDate", row."durationMinutes", row."timeZone", row.labels, row.reminders, row.recurrence, row.revision, creation.time, coalesce(row."completedAt", creation.time),
      now() - row."deletedDaysAgo" * interval '1 day'
    from new_user, jsonb_to_recordset(${JSON.stringify(rows.tasks)}::text::jsonb)
      as row (id uuid, title text, description text, "completedAt" timestamptz, priority task_priority, "categoryId" uuid, "parentId" uuid, depth integer, "sortKey" text, "dueDate" date,
        "dueTime" time, "startDate" date, "deadlineDate" date, "durationMinutes" integer, "timeZone" text, labels text[], reminders jsonb, recurrence jsonb, revision bigint, "daysAgo" integer, "deletedDaysAgo" integer),
      lateral (select now() - row."daysAgo" * interval '1 day' - interval '1 minute' + (row.revision - ${start}) * interval '1 second' as time) as creation`,
  )
}

async function main() {
  const { production, port } = readConfig(undefined, { port: defaultPort })
  if (production) throw new ConfigError('The sandbox does not run in production.')
  const { url, auth, stop } = await createSandbox({ port })
  const tokens = await Promise.all(['alice', 'bob', 'carol'].map(async name => `  ${name.padEnd(6)} ${await tokenFor(name, auth)}`))
  console.log(
    [
      '',
      'The sandbox is ready: the real server with demo users. Your changes are deleted when it stops.',
      '',
      `  API     ${url}/v1`,
      `  Docs    ${url}/docs`,
      `  Feed    ${url}/v1/calendars/${feedToken}.ics`,
      `  Reset   curl -X POST ${url}/sandbox/reset`,
      `  Clock   curl ${url}/sandbox/clock -H 'Content-Type: application/json' -d '{"advance":"P1D"}'`,
      `  Token   curl ${url}/sandbox/tokens/dave`,
      '  Faults  a request with the header Prefer: code=503, or delay=800 (ms), or lose=reply',
      '',
      'Tokens: alice has a rich account, bob a small one and carol none.',
      '',
      tokens.join('\n\n'),
      '',
      'List the tasks of alice:',
      '',
      `curl ${url}/v1/users/me/tasks -H 'Authorization: Bearer ${await tokenFor('alice', auth)}'`,
      '',
    ].join('\n'),
  )
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop().then(() => process.exit(0)))
}

if (import.meta.main)
  main().catch(error => {
    console.error(error instanceof ConfigError || error?.code === 'EADDRINUSE' ? error.message : error)
    process.exit(1)
  })
