import { describe, expect } from 'vitest'
import { test } from '../support/taskspec.ts'

const claims = { email: 'ann@example.com', name: 'Ann' }

describe('getUser', () => {
  test('creates the account on first contact, with the claims of the token', async ({ as }) => {
    const ann = await as('ann', claims)
    const { body, etag } = await ann.getUser()
    expect(body).toEqual({
      id: ann.id,
      ...claims,
      timeZone: null,
      revision: expect.any(Number),
      createdAt: expect.any(String),
      updatedAt: body.createdAt,
    })
    expect(etag).toBe(`"${body.revision}"`)
    expect(await ann.getUser()).toMatchObject({ body, etag })
    await ann.getUser({ headers: { 'If-None-Match': etag } }, 304)
  })

  test('leaves out the claim of a name that shows nothing', async ({ as }) => {
    const ann = await as('ann', { name: '\u200b\u3164' })
    expect((await ann.getUser()).body.name).toBe(null)
  })

  test('returns the same by id as by "me"', async ({ as }) => {
    const ann = await as('ann', claims)
    expect((await ann.getUser({ path: { userId: ann.id } })).body).toEqual((await ann.getUser()).body)
  })

  test('eight concurrent first contacts all succeed and create one account', async ({ as }) => {
    const ann = await as('ann', claims)
    const replies = await Promise.all(Array.from({ length: 8 }, () => ann.getUser()))
    expect(new Set(replies.map(({ body }) => JSON.stringify(body))).size).toBe(1)
  })

  test('shows the claims when the first contact was a write', async ({ as }) => {
    const ann = await as('ann', claims)
    await ann.createTask({ body: { title: 'a' } })
    expect((await ann.getUser()).body).toMatchObject(claims)
  })

  test('keeps its ETag when a task is created', async ({ as }) => {
    const ann = await as('ann', claims)
    const { etag } = await ann.getUser()
    await ann.createTask({ body: { title: 'a' } })
    expect((await ann.getUser()).etag).toBe(etag)
    await ann.updateUser({ body: { name: 'A' }, headers: { 'If-Match': etag } })
  })
})

describe('updateUser', () => {
  test('changes name and time zone, clears with null, and changes nothing else', async ({ as }) => {
    const ann = await as('ann', claims)
    const { body: before } = await ann.getUser()
    const { body: after } = await ann.updateUser({ body: { name: 'Ann Lee', timeZone: 'America/Argentina/Buenos_Aires' } })
    expect(after).toEqual({
      ...before,
      name: 'Ann Lee',
      timeZone: 'America/Argentina/Buenos_Aires',
      revision: before.revision + 1,
      updatedAt: after.updatedAt,
    })
    const cleared = await ann.updateUser({ body: { name: null } })
    expect(cleared.body).toMatchObject({ name: null, timeZone: after.timeZone })
    expect((await ann.getUser()).body).toEqual(cleared.body)
  })

  test('refuses a name of invisible characters', async ({ as }) => {
    const ann = await as('ann', claims)
    const { body } = await ann.updateUser({ body: { name: '\u200b\u2060' } }, 422)
    expect(body.errors).toEqual([
      { location: 'body', pointer: '/name', code: 'format', message: 'must have a visible character, and no lone surrogate' },
    ])
  })

  test('may be the first contact', async ({ as }) => {
    const [ann, bob] = [await as('ann', claims), await as('bob', claims)]
    expect((await ann.updateUser({ body: { timeZone: 'UTC' } })).body).toMatchObject({ ...claims, timeZone: 'UTC' })
    expect((await bob.updateUser({ body: {} })).body).toMatchObject(claims)
  })

  test('ignores an email, which comes from the identity provider', async ({ as }) => {
    const ann = await as('ann', claims)
    const { body, etag } = await ann.getUser()
    expect(await ann.updateUser({ body: { email: 'x@example.com' } })).toMatchObject({ body, etag })
  })

  test('with {} changes nothing', async ({ as }) => {
    const ann = await as('ann', claims)
    const { body, etag } = await ann.getUser()
    expect(await ann.updateUser({ body: {} })).toMatchObject({ body, etag })
    await ann.updateUser({ body: {}, headers: { 'If-Match': '"9"' } }, 412)
  })

  test('of two updates with one ETag exactly one succeeds', async ({ as }) => {
    const ann = await as('ann', claims)
    const { etag } = await ann.getUser()
    const success = await ann.updateUser({ body: { name: 'A' }, headers: { 'If-Match': etag } })
    const failure = await ann.updateUser({ body: { name: 'B' }, headers: { 'If-Match': etag } }, 412)
    expect(failure.etag).toBe(success.etag)
    expect((await ann.getUser()).body.name).toBe('A')
  })

  test.for([
    ['a blank name', { name: '  ' }, '/name'],
    ['NUL in the name', { name: 'a\0' }, '/name'],
    ['a lone surrogate in the name', { name: '\udead' }, '/name'],
    ['a name too long', { name: 'x'.repeat(201) }, '/name'],
    ['an unknown time zone', { timeZone: 'Middle-earth/Shire' }, '/timeZone'],
    ['an offset as time zone', { timeZone: '+02:00' }, '/timeZone'],
  ] as const)('refuses %s', async ([, body, pointer], { as }) => {
    const ann = await as('ann', claims)
    const { body: problem } = await ann.updateUser({ body: body as never }, 422)
    expect(problem.errors.map(error => error.pointer)).toContain(pointer)
  })
})

describe('deleteUser', () => {
  test('erases every row of that user and no other row', async ({ as, service }) => {
    const [ann, bob] = [await as('ann', claims), await as('bob')]
    for (const user of [ann, bob]) {
      const { body: category } = await user.createCategory({ body: { name: 'x' } })
      const { body: task } = await user.createTask({ body: { title: 'a', categoryId: category.id } })
      await user.createTask({ body: { title: 'b' } })
      await user.deleteTask({ path: { taskId: task.id } })
    }
    await ann.deleteUser()

    const rows = await service.sql`
      select id as owner from users union all select owner_id from categories union all select owner_id from tasks`
    expect(rows.filter(({ owner }) => owner === ann.id)).toEqual([])
    expect(rows.filter(({ owner }) => owner === bob.id)).toHaveLength(4)
    expect((await ann.listTasks()).body.items).toEqual([])
    expect((await ann.getUser()).body).toMatchObject(claims)
  })

  test('no ETag of the erased account matches the next account', async ({ as }) => {
    const ann = await as('ann', claims)
    const { etag: first } = await ann.getUser()
    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    const before = await ann.listTasks()
    await ann.deleteUser()
    const path = { taskId: task.id }
    const again = await ann.putTask({ path, body: { title: 'b' } }, 201)
    expect(again.body.revision).toBeGreaterThan(task.revision)
    await ann.putTask({ path, body: { title: 'c' }, headers: { 'If-Match': `"${task.revision}"` } }, 412)
    await ann.getUser({ headers: { 'If-None-Match': first } }, 200)
    await ann.listTasks({ headers: { 'If-None-Match': before.etag } }, 200)
  })

  test('honours If-Match and can be repeated', async ({ as }) => {
    const ann = await as('ann', claims)
    const { etag } = await ann.getUser()
    expect((await ann.deleteUser({ headers: { 'If-Match': '"9"' } }, 412)).etag).toBe(etag)
    await ann.deleteUser({ headers: { 'If-Match': etag } })
    expect((await ann.deleteUser({ headers: { 'If-Match': etag } }, 412)).etag).toBe('')
    await ann.deleteUser()
  })
})
