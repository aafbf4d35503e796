// `npm run sandbox`: the real server over a throwaway database with people in it. POST /sandbox/reset starts afresh.
import { randomUUIDv7 } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tokenFor } from '../auth/issue.ts'
import { ConfigError, readConfig } from '../config/config.ts'
import { createDatabase, type Database } from '../database/database.ts'
import { errorCode } from '../database/errors.ts'
import { migrate } from '../database/migrate.ts'
import { sql } from '../database/sql.ts'
import { logger } from '../observe/log.ts'
import { serve } from '../server.ts'
import { developmentAuth } from './key.ts'
import { type Person, people } from './people.ts'
import { startPostgres } from './postgres.ts'

const port = 4020

/** Makes the sandbox and answers with what ends it. */
export async function sandbox({ port: wanted = port, logLevel = 'warn' } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'taskspec-sandbox-'))
  // Nothing here outlives the process, so nothing has to reach the disk.
  const postgres = await startPostgres({ directory, settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } })
  async function clear() {
    await postgres.stop('immediate')
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const databaseUrl = `${postgres.url}postgres`
    await migrate(databaseUrl, { quiet: true })
    const db = createDatabase({ url: databaseUrl, poolSize: 1 })
    await seed(db)

    const auth = await developmentAuth()
    const unlimited = { perMinute: 0, shared: false }
    const settings = {
      host: '127.0.0.1',
      port: wanted,
      poolSize: 10,
      pooler: false,
      corsOrigins: null,
      limits: unlimited,
      metricsPort: null,
      timing: true,
      tracing: null,
      trustProxy: 0,
      databaseUrl,
      auth,
    }
    const server = await serve(settings, { log: logger(logLevel), around: listener => resettable(listener, () => seed(db)) })
    return {
      url: server.url,
      auth,
      async stop() {
        await server.stop()
        await db.close()
        await clear()
      },
    }
  } catch (error) {
    await clear()
    throw error
  }
}

function resettable(listener: RequestListener, seed: () => Promise<void>): RequestListener {
  let last = Promise.resolve()
  const reset = () => {
    last = last.then(seed, seed) // one after the other
    return last
  }
  return (request, response) => {
    if (request.method !== 'POST' || request.url !== '/sandbox/reset') return listener(request, response)
    const headers = { 'Access-Control-Allow-Origin': '*' }
    reset().then(
      () => response.writeHead(204, headers).end(),
      error => response.writeHead(503, { ...headers, 'Content-Type': 'text/plain' }).end(error.message),
    )
  }
}

/** Forgets everything and writes the people of today, one statement a person. Again where somebody writes in between. */
async function seed({ write }: Pick<Database, 'write'>, tries = 100): Promise<void> {
  try {
    await write('delete users', sql`delete from users`)
    for (const person of people(new Date().toISOString().slice(0, 10))) await insert(write, person)
  } catch (error) {
    if (errorCode(error) !== '23505' || tries === 1) throw error
    await seed({ write }, tries - 1)
  }
}

async function insert(write: Database['write'], { id: owner, email, name, timeZone, categories, tasks }: Person) {
  const revision = 1 + categories.length + tasks.length
  const blank = {
    description: null,
    completedAt: null,
    priority: 'none',
    categoryId: null,
    dueDate: null,
    dueTime: null,
    timeZone: null,
    labels: [],
  }
  const rows = {
    categories: categories.map((category, i) => ({ ...category, revision: 2 + i })),
    // Oldest first, so that revisions go with time.
    tasks: tasks
      .toSorted((a, b) => b.created - a.created)
      .map((task, i) => ({ id: randomUUIDv7(), ...blank, ...task, revision: 2 + categories.length + i })),
  }
  await write(
    'insert user',
    sql`
    with person as (
      insert into users (id, email, name, time_zone, revision, profile_revision, created_at, updated_at)
      values (${owner}, ${email}, ${name}, ${timeZone}, ${revision}, 1, now() - interval '90 days', now() - interval '90 days')
      returning id as owner_id),
    sorted as (
      insert into categories as c (owner_id, id, name, color, position, revision, created_at, updated_at)
      select owner_id, row.id, row.name, row.color, row.position, row.revision, now() - interval '85 days', now() - interval '85 days'
      from person, jsonb_to_recordset(${JSON.stringify(rows.categories)}::text::jsonb)
        as row (id uuid, name text, color text, position integer, revision bigint)
      returning c.id)
    insert into tasks as t (owner_id, id, title, description, completed_at, priority, category_id, due_date, due_time, time_zone, labels,
      revision, created_at, updated_at)
    select owner_id, row.id, row.title, row.description, row."completedAt", row.priority, row."categoryId", row."dueDate", row."dueTime",
      row."timeZone", row.labels, row.revision, made, coalesce(row."completedAt", made)
    from person, jsonb_to_recordset(${JSON.stringify(rows.tasks)}::text::jsonb)
      as row (id uuid, title text, description text, "completedAt" timestamptz, priority task_priority, "categoryId" uuid, "dueDate" date,
        "dueTime" time, "timeZone" text, labels text[], revision bigint, created integer),
      lateral (select now() - row.created * interval '1 day' - interval '1 minute' + row.revision * interval '1 second' as made) as past`,
  )
}

async function main() {
  const { production, port: set } = readConfig(undefined, { port })
  if (production) throw new ConfigError('The sandbox is not for production.')
  const { url, auth, stop } = await sandbox({ port: set, logLevel: 'warn' })
  const tokens = await Promise.all(['alice', 'bob', 'carol'].map(async name => `  ${name.padEnd(6)} ${await tokenFor(name, auth)}`))
  console.log(
    [
      '',
      'The sandbox is ready: the real server, with people in it. Nothing you write here is kept.',
      '',
      `  API    ${url}/v1`,
      `  Docs   ${url}/docs`,
      `  Reset  curl -X POST ${url}/sandbox/reset`,
      '',
      'alice has a rich account, bob a small one, carol none (another: npm run token -- dave):',
      '',
      tokens.join('\n\n'),
      '',
      'Look at alice’s tasks:',
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
