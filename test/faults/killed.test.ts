// The power goes, at the database or at the server, while people write: what was confirmed is there, and nothing is there twice.
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { expect, vi } from 'vitest'
import { client } from '../support/client.ts'
import { listening, run } from '../support/process.ts'
import { createDatabase, tokenOf } from '../support/taskspec.ts'
import { test } from './cluster.ts'
import { crowd, expectPromises, json } from './crowd.ts'

const timeout = 60_000
const rounds = 4

test.concurrent('when the database is killed again and again nothing is lost, and nothing is done twice', { timeout }, async ({
  cluster,
  serve,
}) => {
  const { url } = await serve()
  const people = await crowd(url, 4)
  const authors = await write(url, 'database')
  for (let round = 0; round < rounds; round++) {
    await people.served()
    await cluster.kill()
    await sleep(round * 200)
    await cluster.start()
  }
  await people.served()
  await expectPromises(await people.leave(), cluster.databaseUrl)
  expect(await authors.leave()).toMatchObject({ unanswered: 0 })
  await authors.expectOnce(cluster.databaseUrl)
})

test.concurrent('when the server is killed again and again nothing is lost, and nothing is done twice', { timeout }, async ({
  onTestFinished,
}) => {
  const database = await createDatabase()
  onTestFinished(database.drop)
  const settings = { DATABASE_URL: database.url, NODE_ENV: 'production', RATE_LIMIT_PER_MINUTE: '0' }
  let server = run(settings, { atEnd: onTestFinished })
  const url = await listening(server)
  const authors = await write(url, 'server')
  for (let round = 0; round < rounds; round++) {
    const before = authors.confirmed()
    await vi.waitFor(() => expect(authors.confirmed()).toBeGreaterThan(before + 40), 10_000)
    server.child.kill('SIGKILL')
    await server.ended
    server = run({ ...settings, PORT: new URL(url).port }, { atEnd: onTestFinished })
    await listening(server)
  }
  const { unanswered } = await authors.leave()
  expect(unanswered).toBeGreaterThan(0)
  await authors.expectOnce(database.url)
})

/** What one person has asked for; `tries` counts every request. */
type Work = { person: string; posted: string[]; put: string[]; tries: number }

/** Starts people who make tasks: half of them by POST, never repeated, and half under ids of their own, repeated until it is confirmed. */
async function write(url: string, name: string) {
  let going = true
  let unanswered = 0
  const wrong: string[] = []

  async function live(work: Work) {
    const me = client(url, await tokenOf(work.person))

    async function done(method: string, path: string, title: string): Promise<boolean> {
      work.tries++
      const status = await me.send(method, `/v1/users/me/tasks${path}`, json({ title })).then(
        answer => answer.status,
        error => {
          if (!(error instanceof TypeError)) wrong.push(`${error}`) // what fetch says when nobody answers
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
      if (await done('POST', '', `${work.person}:${i}`)) work.posted.push(`${work.person}:${i}`)
      const id = randomUUID()
      while (!(await done('PUT', `/${id}`, id)));
      work.put.push(id)
    }
  }

  const works = Array.from({ length: 6 }, (_, i): Work => ({ person: `${name}-${i}`, posted: [], put: [], tries: 0 }))
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
      for (const { person, posted, put, tries } of works) {
        const rows = await sql<{ id: string; title: string }[]>`select id, title from tasks where owner_id = ${person}`
        const titles = new Set(rows.map(({ title }) => title))
        expect([...posted, ...put].filter(title => !titles.has(title))).toEqual([])
        expect(rows).toHaveLength(titles.size)
        const own = rows.filter(({ title }) => !title.includes(':'))
        expect(own.filter(({ id, title }) => id !== title)).toEqual([])
        // The account counts its changes: each request made one at the most.
        const [{ changes }] = await sql<
          [{ changes: number }]
        >`select (revision - start_revision)::integer as changes from users where id = ${person}`
        expect(changes).toBeGreaterThanOrEqual(rows.length)
        expect(changes).toBeLessThanOrEqual(tries)
      }
      await sql.end()
    },
  }
}
