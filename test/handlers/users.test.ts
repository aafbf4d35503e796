import { describe, expect } from 'vitest'
import { test } from '../support/taskspec.ts'

const claims = { email: 'ann@example.com', name: 'Ann' }

describe('getUser', () => {
  test('makes the account on first contact, with what the token says', async ({ as }) => {
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

  test('is the same by id as by "me"', async ({ as }) => {
    const ann = await as('ann', claims)
    expect((await ann.getUser({ path: { userId: ann.id } })).body).toEqual((await ann.getUser()).body)
  })

  test('of eight first contacts at once all succeed and make one account', async ({ as }) => {
    const ann = await as('ann', claims)
    const replies = await Promise.all(Array.from({ length: 8 }, () => ann.getUser()))
    expect(new Set(replies.map(({ body }) => JSON.stringify(body))).size).toBe(1)
  })

  test('shows the claims when the first contact was a write', async ({ as }) => {
    const ann = await as('ann', claims)
    await ann.createTask({ body: { title: 'a' } })
    expect((await ann.getUser()).body).toMatchObject(claims)
  })

  test('does not change with a task', async ({ as }) => {
    const ann = await as('ann', claims)
    const { etag } = await ann.getUser()
    await ann.createTask({ body: { title: 'a' } })
    expect((await ann.getUser()).etag).toBe(etag)
    await ann.updateUser({ body: { name: 'A' }, headers: { 'If-Match': etag } })
  })
})

describe('updateUser', () => {
  test('changes name and time zone, clears with null, and nothing else', async ({ as }) => {
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

  test('may be the first contact', async ({ as }) => {
    const [ann, bob] = [await as('ann', claims), await as('bob', claims)]
    expect((await ann.updateUser({ body: { timeZone: 'UTC' } })).body).toMatchObject({ ...claims, timeZone: 'UTC' })
    expect((await bob.updateUser({ body: {} })).body).toMatchObject(claims)
  })

  test('with {} changes nothing', async ({ as }) => {
    const ann = await as('ann', claims)
    const { body, etag } = await ann.getUser()
    expect(await ann.updateUser({ body: {} })).toMatchObject({ body, etag })
    await ann.updateUser({ body: {}, headers: { 'If-Match': '"9"' } }, 412)
  })

  test('of two with one ETag exactly one wins', async ({ as }) => {
    const ann = await as('ann', claims)
    const { etag } = await ann.getUser()
    const won = await ann.updateUser({ body: { name: 'A' }, headers: { 'If-Match': etag } })
    const lost = await ann.updateUser({ body: { name: 'B' }, headers: { 'If-Match': etag } }, 412)
    expect(lost.etag).toBe(won.etag)
    expect((await ann.getUser()).body.name).toBe('A')
  })

  test.for([
    ['another email', { email: 'x@example.com' }, '/email'],
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
  test('erases every row of that person and of nobody else', async ({ as, service }) => {
    const [ann, bob] = [await as('ann', claims), await as('bob')]
    for (const person of [ann, bob]) {
      const { body: category } = await person.createCategory({ body: { name: 'x' } })
      const { body: task } = await person.createTask({ body: { title: 'a', categoryId: category.id } })
      await person.createTask({ body: { title: 'b' } })
      await person.deleteTask({ path: { taskId: task.id } })
    }
    await ann.deleteUser()

    const rows = await service.sql`
      select id as owner from users union all select owner_id from categories union all select owner_id from tasks`
    expect(rows.filter(({ owner }) => owner === ann.id)).toEqual([])
    expect(rows.filter(({ owner }) => owner === bob.id)).toHaveLength(4)
    expect((await ann.listTasks()).body.items).toEqual([])
    expect((await ann.getUser()).body).toMatchObject(claims)
  })

  test('lets no ETag of the erased account match the account that follows', async ({ as }) => {
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

  test('minds If-Match, and may be repeated', async ({ as }) => {
    const ann = await as('ann', claims)
    const { etag } = await ann.getUser()
    expect((await ann.deleteUser({ headers: { 'If-Match': '"9"' } }, 412)).etag).toBe(etag)
    await ann.deleteUser({ headers: { 'If-Match': etag } })
    expect((await ann.deleteUser({ headers: { 'If-Match': etag } }, 412)).etag).toBe('')
    await ann.deleteUser()
  })
})
