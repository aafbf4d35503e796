// The database or the server is killed while users write: each confirmed change is there, and nothing is there twice.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { listening, run } from '../support/process.ts'
import { createDatabase, tokenOf } from '../support/taskspec.ts'
import { test } from './cluster.ts'
import { crowd, expectPromises, json } from './crowd.ts'

const rounds = 4

test.concurrent('when the database is killed again and again, no change is lost or made twice', async ({ cluster, serve }) => {
  const { url } = await serve()
  const users = await crowd(url, 4)
  const authors = await write(url, 'database')
  for (let round = 0; round < rounds; round++) {
    await users.served()
    await cluster.kill()
    await sleep(round * 200)
    await cluster.start()
  }
  await users.served()
  await expectPromises(await users.leave(), cluster.databaseUrl)
  expect(await authors.leave()).toMatchObject({ unanswered: 0 })
  await authors.expectOnce(cluster.databaseUrl)
})

test.concurrent('when the server is killed again and again, no change is lost or made twice', async ({ onTestFinished }) => {
  const database = await createDatabase()
  onTestFinished(database.drop)
  const settings = { DATABASE_URL: database.url, NODE_ENV: 'production', RATE_LIMIT_PER_MINUTE: '0' }
  let server = run(settings, { atEnd: onTestFinished })
  const url = await listening(server)
  const authors = await write(url, 'server')
  for (let round = 0; round < rounds; round++) {
    const before = authors.confirmed()
    await eventually(() => expect(authors.confirmed()).toBeGreaterThan(before + 20))
    server.child.kill('SIGKILL')
    await server.ended
    server = run({ ...settings, PORT: new URL(url).port }, { atEnd: onTestFinished })
    await listening(server)
  }
  const { unanswered } = await authors.leave()
  expect(unanswered).toBeGreaterThan(0)
  await authors.expectOnce(database.url)
})

/** The requests of one user; `tries` counts all of them. */
type Work = { user: string; posted: string[]; put: string[]; tries: number }

/**
 * Starts users who create tasks in turn by POST, never repeated; by POST with a key, and by PUT under their own ids, repeated until it is
 * confirmed.
 */
async function write(url: string, name: string) {
  let going = true
  let unanswered = 0
  const wrong: string[] = []

  async function live(work: Work) {
    const me = client(url, await tokenOf(work.user))

    async function done(method: string, path: string, title: string, more = {}): Promise<boolean> {
      work.tries++
      const { headers, body } = json({ title })
      const status = await me.send(method, `/v1/users/me/tasks${path}`, { body, headers: { ...headers, ...more } }).then(
        answer => answer.status,
        error => {
          if (!(error instanceof TypeError)) wrong.push(`${error}`) // from fetch, without a reply
          return 0
        },
      )
      if (status === 0) unanswered++
      else if (![200, 201, 503].includes(status)) wrong.push(`${method} was answered with ${status}`)
      const confirmed = status === 200 || status === 201
      if (!confirmed) await sleep(50)
      return confirmed
    }

    for (let i = 0; going; i++) {
      if (await done('POST', '', `${work.user}:${i}`)) work.posted.push(`${work.user}:${i}`)
      const keyed = `${work.user}:keyed-${i}`
      while (!(await done('POST', '', keyed, { 'idempotency-key': keyed })));
      work.posted.push(keyed)
      const id = randomUUID()
      while (!(await done('PUT', `/${id}`, id)));
      work.put.push(id)
    }
  }

  const works = Array.from({ length: 6 }, (_, i): Work => ({ user: `${name}-${i}`, posted: [], put: [], tries: 0 }))
  const lives = works.map(live)
  return {
    confirmed: () => works.reduce((sum, { posted, put }) => sum + posted.length + put.length, 0),
    async leave() {
      going = false
      await Promise.all(lives)
      expect(wrong).toEqual([])
      return { unanswered }
    },
    async expectOnce(databaseUrl: string) {
      const sql = postgres(databaseUrl, { max: 1 })
      for (const { user, posted, put, tries } of works) {
        const rows = await sql<{ id: string; title: string }[]>`select id, title from tasks where owner_id = ${user}`
        const titles = new Set(rows.map(({ title }) => title))
        expect([...posted, ...put].filter(title => !titles.has(title))).toEqual([])
        expect(rows).toHaveLength(titles.size)
        const own = rows.filter(({ title }) => !title.includes(':'))
        expect(own.filter(({ id, title }) => id !== title)).toEqual([])
        // The account's revision counts its changes. Each request made at most one.
        const [{ changes }] = await sql<
          [{ changes: number }]
        >`select (revision - start_revision)::integer as changes from users where id = ${user}`
        expect(changes).toBeGreaterThanOrEqual(rows.length)
        expect(changes).toBeLessThanOrEqual(tries)
      }
      await sql.end()
    },
  }
}
