// Changes that share a statement: each is made as if it were alone.
import type postgres from 'postgres'
import { expect } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase, type Database } from '../../src/database/database.ts'
import { sql } from '../../src/database/sql.ts'
import { accountLock, bumpRevision } from '../../src/domain/revision.ts'
import { json } from '../faults/crowd.ts'
import { lockAccount, lockWaits } from '../support/lock.ts'
import { test } from '../support/taskspec.ts'

const bumpIn = (db: Database) =>
  db.change('bump revision', { owner: 'text' })<{ next: number }>(
    (asked, callers) => sql`${bumpRevision(asked, callers, sql`true`)} select owner_id as owner, next from change`,
  )

/** Inserts accounts with revision 1. */
async function insertOwners(admin: postgres.Sql, prefix: string, count: number) {
  const owners = Array.from({ length: count }, (_, i) => ({ owner: `${prefix}${i}` }))
  await admin`insert into users (id, revision, profile_revision) select owner, 1, 1 from unnest(${owners.map(each => each.owner)}::text[]) as owner`
  return owners
}

test('each of many concurrent owners changes its own rows', async ({ as }) => {
  const users = await Promise.all(Array.from({ length: 40 }, (_, i) => as(`user${i}`)))
  const profiles = await Promise.all(users.map(user => user.getUser()))
  const created = await Promise.all(users.map(user => user.createTask({ body: { title: `of ${user.id}`, labels: [user.id] } })))
  expect(created.map(({ body }) => [body.title, body.labels, body.revision])).toEqual(
    users.map(({ id }, i) => [`of ${id}`, [id], (profiles[i]?.body.revision as number) + 1]),
  )
  const path = (i: number) => ({ taskId: created[i % 40]?.body.id as string })

  const [changed, missed] = await Promise.all([
    Promise.all(users.map((user, i) => user.updateTask({ path: path(i), body: { description: user.id, dueDate: '2027-03-01' } }))),
    Promise.all(users.map((user, i) => user.updateTask({ path: path(i + 1), body: { title: 'mine' } }, 404))),
  ])
  expect(missed).toHaveLength(40)
  expect(changed.map(({ body }) => body)).toEqual(
    created.map(({ body }, i) => ({
      ...body,
      description: users[i]?.id,
      dueDate: '2027-03-01',
      revision: body.revision + 1,
      updatedAt: expect.any(String),
    })),
  )
  const lists = await Promise.all(users.map(user => user.listTasks()))
  expect(lists.map(({ body }) => body.items)).toEqual(changed.map(({ body }) => [body]))

  await Promise.all(users.map((user, i) => user.deleteTask({ path: path(i) })))
  for (const user of users) expect((await user.listTasks()).body.items).toEqual([])
})

test('every concurrent change of one owner bumps the revision', async ({ as }) => {
  const [ann, bob] = [await as('ann'), await as('bob')]
  const first = (await ann.getUser()).body.revision
  const [tasks] = await Promise.all([
    Promise.all(Array.from({ length: 25 }, (_, i) => ann.createTask({ body: { title: String(i) } }))),
    Promise.all(Array.from({ length: 25 }, (_, i) => bob.createTask({ body: { title: String(i) } }))),
  ])
  expect(tasks.map(({ body }) => body.revision).sort((a, b) => a - b)).toEqual(Array.from({ length: 25 }, (_, i) => first + 1 + i))
})

test('of several changes under one ETag one wins, also while other owners write', async ({ as }) => {
  const users = await Promise.all(['ann', 'bob', 'eve'].map(name => as(name)))
  const tasks = await Promise.all(users.map(user => user.createTask({ body: { title: 'a' } })))
  const answers = await Promise.all(
    users.flatMap((user, i) =>
      Array.from({ length: 8 }, (_, number) => {
        const { body, headers } = json({ title: String(number) })
        const match = { 'if-match': tasks[i]?.etag as string }
        return user.send('PATCH', `/v1/users/me/tasks/${tasks[i]?.body.id}`, { body, headers: { ...headers, ...match } })
      }),
    ),
  )
  for (const i of [0, 1, 2])
    expect(
      answers
        .slice(i * 8, i * 8 + 8)
        .map(({ status }) => status)
        .sort(),
    ).toEqual([200, ...Array(7).fill(412)])
})

test('changes of one moment share a statement, up to thirty-two; one of an account that is not there goes alone', async ({ service }) => {
  const sent: string[] = []
  const db = createDatabase({
    url: parseDatabaseUrl(service.databaseUrl),
    ownerLock: accountLock,
    poolSize: 4,
    timeoutFactor: 10,
    observe: text => sent.push(text),
  })
  const bump = bumpIn(db)
  const all = await insertOwners(service.sql, 'together', 40)

  expect(await Promise.all(all.map(bump))).toEqual(all.map(() => [{ next: 2 }]))
  expect(sent).toHaveLength(2)
  sent.length = 0
  expect(await Promise.all([bump({ owner: 'together0' }), bump({ owner: 'missing' })])).toEqual([[{ next: 3 }], []])
  expect(sent).toHaveLength(2)
  await db.close()
})

test.for([{ shared: false }, { ownerLock: undefined }])('no change shares a statement with %o', async (options, { service }) => {
  const sent: string[] = []
  const { ownerLock, ...rest } = { ownerLock: accountLock, ...options }
  const db = createDatabase({
    ...{ url: parseDatabaseUrl(service.databaseUrl), poolSize: 4, timeoutFactor: 10, observe: (text: string) => sent.push(text), ...rest },
    ...(ownerLock && { ownerLock }),
  })
  const all = await insertOwners(service.sql, `unshared-${'shared' in options}`, 5)
  await Promise.all(all.map(bumpIn(db)))
  expect(sent).toHaveLength(5)
  await db.close()
})

test('sharing stops when PostgreSQL does not support a shared form, and every caller is answered', async ({ service }) => {
  const sent: string[] = []
  const stops: unknown[] = []
  const db = createDatabase({
    ...{
      url: parseDatabaseUrl(service.databaseUrl),
      ownerLock: accountLock,
      poolSize: 4,
      timeoutFactor: 10,
      observe: text => sent.push(text),
    },
    onSharingStopped: error => stops.push(error),
  })
  // A lock of groups is not supported (0A000).
  const unsupported = db.change('bump revision', { owner: 'text' })(
    (asked, callers) => sql`
      ${bumpRevision(asked, callers, sql`true`)}
      select owner_id as owner from change ${callers.from.texts[0] === '' ? sql`` : sql`group by owner_id for update`}`,
  )
  const all = await insertOwners(service.sql, 'unsupported', 5)
  for (const expected of [6, 5]) {
    sent.length = 0
    expect(await Promise.all(all.map(unsupported))).toHaveLength(5)
    expect(sent).toHaveLength(expected)
  }
  expect(stops).toMatchObject([{ code: '0A000' }])
  expect(db.load().refused).toBe(1)
  await db.close()
})

test('a row of no caller of the statement fails it', async ({ service }) => {
  const db = createDatabase({ url: parseDatabaseUrl(service.databaseUrl), ownerLock: accountLock, poolSize: 4, timeoutFactor: 10 })
  const stray = db.change('bump revision', { owner: 'text' })(
    (asked, callers) => sql`${bumpRevision(asked, callers, sql`true`)} select 'eve' as owner from change`,
  )
  const all = await insertOwners(service.sql, 'stray', 2)
  for (const answer of await Promise.allSettled(all.map(stray)))
    expect(answer).toMatchObject({ status: 'rejected', reason: { message: 'a row belongs to no caller of its statement' } })
  await db.close()
})

test('no owner waits for the lock of another', async ({ service: { sql, log }, as }) => {
  const [ann, ...others] = await Promise.all(Array.from({ length: 10 }, (_, i) => as(`locked${i}`)))
  await Promise.all([ann, ...others].map(user => user?.getUser()))
  const { release } = await lockAccount(sql, ann?.id as string)

  let answered = false
  const slow = ann?.send('POST', '/v1/users/me/tasks', json({ title: 'a' })).finally(() => {
    answered = true
  })
  const created = await Promise.all(others.map(user => user.createTask({ body: { title: 'b' } })))
  expect(created).toHaveLength(others.length)
  expect(answered).toBe(false)

  await release()
  expect((await slow)?.status).toBe(201)
  expect(log.filter(({ level }) => level === 'error')).toEqual([])
})

test('a change that waits alone for a lock holds up no shared statement', async ({ service: { sql: admin, databaseUrl } }) => {
  const db = createDatabase({ url: parseDatabaseUrl(databaseUrl), ownerLock: accountLock, poolSize: 2, timeoutFactor: 10 })
  const bump = bumpIn(db)
  const [ann, ...others] = (await insertOwners(admin, 'alone', 6)) as [{ owner: string }, ...{ owner: string }[]]
  await Promise.all([ann, ...others].map(bump)) // opens both connections
  const { release } = await lockAccount(admin, ann.owner)

  const order: string[] = []
  const slow = bump(ann).finally(() => order.push('ann'))
  const waiting = () => lockWaits(admin)
  await expect.poll(async () => (await waiting()).length).toBe(1)
  const rest = await Promise.allSettled(others.map(bump))
  order.push('others')
  await release()
  const [late] = await Promise.allSettled([slow])

  expect(rest).toEqual(others.map(() => ({ status: 'fulfilled', value: [{ next: 3 }] })))
  expect(late).toEqual({ status: 'fulfilled', value: [{ next: 3 }] })
  expect(order).toEqual(['others', 'ann'])
  await db.close()
})

test('an invalid value of one owner fails no other', async ({ as }) => {
  const users = await Promise.all(Array.from({ length: 8 }, (_, i) => as(`invalid${i}`)))
  const profiles = await Promise.all(users.map(user => user.getUser()))
  const categoryId = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
  const answers = await Promise.all(
    users.map((user, i) => user.send('POST', '/v1/users/me/tasks', json({ title: 'a', categoryId: i === 3 ? categoryId : null }))),
  )
  expect(answers.map(({ status }) => status)).toEqual(users.map((_, i) => (i === 3 ? 422 : 201)))
  // Nothing of the refused change has happened: every other owner has made one.
  for (const [i, user] of users.entries()) {
    const first = profiles[i]?.body.revision as number
    expect((await user.listTasks()).etag).toBe(`"${i === 3 ? first : first + 1}"`)
  }
})
