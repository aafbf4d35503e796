import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { test } from '../support/taskspec.ts'

const unknownId = '019c5a20-6a00-7c11-8a4e-6f0a4e1d2c01'

describe('createCategory', () => {
  test('requires only a name', async ({ as }) => {
    const ann = await as('ann')
    const { headers, body } = await ann.createCategory({ body: { name: 'Home' } })
    const { id, createdAt } = body
    await ann.getCategory({ path: { categoryId: id }, headers: { 'If-None-Match': `"${body.revision}"` } }, 304)
    const follows = { sortKey: expect.any(String), revision: expect.any(Number) }
    expect(body).toEqual({ id, name: 'Home', color: null, position: 0, ...follows, createdAt, updatedAt: createdAt })
    expect(headers.get('location')).toBe(`/v1/users/${ann.id}/categories/${id}`)
    expect((await ann.getCategory({ path: { categoryId: id } })).body).toEqual(body)
  })

  test('accepts each name once per user, regardless of case', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    await ann.createCategory({ body: { name: 'Été' } })
    const { body } = await ann.createCategory({ body: { name: 'éTÉ' } }, 409)
    expect(body).toMatchObject({ type: '/problems/conflict', errors: [{ pointer: '/name', code: 'taken' }] })
    await bob.createCategory({ body: { name: 'été' } })
    await ann.createCategory({ body: { name: 'Ete' } })
  })

  test.for([
    ['in normalization form D', 'Été', 'E\u0301te\u0301'],
    ['with a zero width space', 'Home', 'Ho\u200bme'],
    ['with a soft hyphen', 'Home', 'Ho\u00adme'],
    ['with a change of direction', 'Home', '\u202aHome\u202c'],
    ['with a byte order mark', 'Home', '\ufeffHome'],
    ['with a variation selector', '❤', '❤\ufe0f'],
    ['with another joiner', 'می\u200cخواهم', 'میخواهم'],
    ['with a control character', 'Home', 'Home\u0007'],
    ['with blanks around it', 'Home', ' Home\u2003'],
    ['with another blank in it', 'My home', 'My\u00a0 home'],
    ['with ß as SS', 'Straße', 'STRASSE'],
    ['with the other small sigma', 'ΑΣ', 'ας'],
    ['with a ligature', 'ﬁsh', 'FISH'],
    ['in capital letters of another script', 'армія', 'АРМІЯ'],
    ['with the sign of Kelvin', '20 K', '20 \u212a'],
  ] as const)('refuses a name that looks alike: %s', async ([, name, other], { as }) => {
    const ann = await as('ann')
    const { body: category } = await ann.createCategory({ body: { name } })
    expect(category.name).toBe(name)
    const { body } = await ann.createCategory({ body: { name: other } }, 409)
    expect(body).toMatchObject({ type: '/problems/conflict', errors: [{ pointer: '/name', code: 'taken' }] })
    const { body: third } = await ann.createCategory({ body: { name: 'Third' } })
    const path = { categoryId: third.id }
    await ann.updateCategory({ path, body: { name: other } }, 409)
    await ann.putCategory({ path, body: { name: other } }, 409)
    await ann.updateCategory({ path: { categoryId: category.id }, body: { name: other } })
  })

  test('accepts names that look different', async ({ as }) => {
    const ann = await as('ann')
    for (const name of ['m2', 'm²', 'i', 'ı', 'İ', 'Ete', 'Été', 'カ', 'ガ', 'Myhome', 'My home'])
      await ann.createCategory({ body: { name } })
  })

  test('of eight concurrent creations with one name exactly one succeeds', async ({ as }) => {
    const ann = await as('ann')
    const send = { headers: { 'content-type': 'application/json' }, body: '{"name":"x"}' }
    const all = await Promise.all(Array.from({ length: 8 }, () => ann.send('POST', '/v1/users/me/categories', send)))
    expect(all.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409])
  })

  test.for([
    ['NUL in the name', { name: 'a\0' }, '/name'],
    ['a lone surrogate in the name', { name: 'a\ud800' }, '/name'],
    ['a blank name', { name: '\u00a0' }, '/name'],
    ['an invisible name', { name: '\u200b\ufeff' }, '/name'],
    ['a name too long', { name: 'x'.repeat(101) }, '/name'],
    ['a colour by name', { name: 'a', color: 'red' }, '/color'],
    ['a position below 0', { name: 'a', position: -1 }, '/position'],
    ['a position above the maximum', { name: 'a', position: 1_000_001 }, '/position'],
    ['a fractional position', { name: 'a', position: 0.5 }, '/position'],
  ] as const)('refuses %s', async ([, body, pointer], { as }) => {
    const ann = await as('ann')
    const { body: problem } = await ann.createCategory({ body }, 422)
    expect(problem.errors).not.toEqual([])
    for (const error of problem.errors) expect(error).toMatchObject({ location: 'body', pointer })
  })
})

describe('listCategories', () => {
  test('returns pages in the order of position', async ({ as }) => {
    const ann = await as('ann')
    for (const [name, position] of [
      ['c', 3],
      ['a', 1],
      ['d', 3],
      ['b', 2],
    ] as const)
      await ann.createCategory({ body: { name, position } })
    const names: string[] = []
    let cursor: string | null | undefined
    while (cursor !== null) {
      const { body } = await ann.listCategories({ query: { limit: 1, ...(cursor && { cursor }) } })
      names.push(...body.items.map(({ name }) => name))
      cursor = body.nextCursor
    }
    expect(names).toEqual(['a', 'b', 'c', 'd'])
  })

  test('replies with the ETag of the account', async ({ as }) => {
    const ann = await as('ann')
    expect(await ann.listCategories()).toMatchObject({ etag: '"0"', body: { items: [], nextCursor: null } })
    await ann.listCategories({ headers: { 'If-None-Match': '"0"' } }, 304)
    const { etag } = await ann.createTask({ body: { title: 'a' } })
    expect((await ann.listCategories({ headers: { 'If-None-Match': '"0"' } }, 200)).etag).toBe(etag)
  })

  test.for([
    ['["position",1,"019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]'], // of a release before 0.6.0
    ['["sortKey","a\\u0000","019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]'],
    ['["sortKey","a0","x"]'],
    ['[]'],
  ])('refuses the forged cursor %s', async ([cursor], { as }) => {
    const ann = await as('ann')
    await ann.createCategory({ body: { name: 'a' } })
    await ann.listCategories({ query: { cursor: Buffer.from(cursor as string).toString('base64url') } }, 422)
  })
})

describe('putCategory', () => {
  test('creates on the first call and replaces on the second', async ({ as }) => {
    const ann = await as('ann')
    const categoryId = randomUUID()
    const first = await ann.putCategory({ path: { categoryId }, body: { name: 'a', color: '#aabbcc', position: 4 } }, 201)
    const second = await ann.putCategory({ path: { categoryId }, body: { name: 'A' } }, 200)
    expect(second.body).toEqual({
      ...first.body,
      name: 'A',
      color: null,
      position: 0,
      sortKey: expect.stringMatching(/^h00000000/),
      revision: first.body.revision + 1,
      updatedAt: second.body.updatedAt,
    })
    await ann.createCategory({ body: { name: 'b' } })
    await ann.putCategory({ path: { categoryId }, body: { name: 'B' } }, 409)
    await ann.putCategory({ path: { categoryId }, body: { name: 'B' }, headers: { 'If-Match': second.etag } }, 409)
  })

  test('honours If-Match and If-None-Match', async ({ as }) => {
    const ann = await as('ann')
    const categoryId = randomUUID()
    await ann.putCategory({ path: { categoryId }, body: { name: 'a' }, headers: { 'If-Match': '"1"' } }, 412)
    const { etag } = await ann.putCategory({ path: { categoryId }, body: { name: 'a' }, headers: { 'If-None-Match': '*' } }, 201)
    expect((await ann.putCategory({ path: { categoryId }, body: { name: 'b' }, headers: { 'If-None-Match': '*' } }, 412)).etag).toBe(etag)
    await ann.putCategory({ path: { categoryId }, body: { name: 'b' }, headers: { 'If-Match': etag } }, 200)
  })

  test('with If-None-Match: * under an existing id changes nothing, not even the ETag of the account', async ({ as }) => {
    const ann = await as('ann')
    const { body: category, etag } = await ann.createCategory({ body: { name: 'a' } })
    for (const headers of [{ 'If-None-Match': '*' }, { 'If-None-Match': '*', 'If-Match': '*' }])
      expect((await ann.putCategory({ path: { categoryId: category.id }, body: { name: 'b' }, headers }, 412)).etag).toBe(etag)
    expect(await ann.listCategories()).toMatchObject({ etag, body: { items: [category] } })
  })

  test('creates a new category under a deleted id if the name is free', async ({ as }) => {
    const ann = await as('ann')
    const { body } = await ann.createCategory({ body: { name: 'a' } })
    await ann.deleteCategory({ path: { categoryId: body.id } })
    const { body: other } = await ann.createCategory({ body: { name: 'a' } })
    await ann.putCategory({ path: { categoryId: body.id }, body: { name: 'a' } }, 409)
    await ann.deleteCategory({ path: { categoryId: other.id } })
    await ann.putCategory({ path: { categoryId: body.id }, body: { name: 'a' } }, 201)
  })
})

describe('updateCategory', () => {
  test('changes the fields that were sent and nothing else', async ({ as }) => {
    const ann = await as('ann')
    const { body: before } = await ann.createCategory({ body: { name: 'a', color: '#aabbcc' } })
    const { body } = await ann.updateCategory({ path: { categoryId: before.id }, body: { position: 9 } })
    const sortKey = before.sortKey.replace('h00000000', 'h00000009')
    expect(body).toEqual({ ...before, position: 9, sortKey, revision: before.revision + 1, updatedAt: body.updatedAt })
    expect((await ann.updateCategory({ path: { categoryId: before.id }, body: {} })).body).toEqual(body)
  })

  test('honours If-Match, refuses a duplicate name and returns 404 for an unknown id', async ({ as }) => {
    const ann = await as('ann')
    const { body, etag: first } = await ann.createCategory({ body: { name: 'a' } })
    const { body: other } = await ann.createCategory({ body: { name: 'b' } })
    const patch = (name: string, etag: string, status: 200 | 409 | 412) =>
      ann.updateCategory({ path: { categoryId: body.id }, body: { name }, headers: { 'If-Match': etag } }, status)
    await patch('B', first, 409)
    await patch('A', first, 200)
    expect((await patch('c', first, 412)).etag).toBe(`"${other.revision + 1}"`)
    await ann.updateCategory({ path: { categoryId: body.id }, body: {}, headers: { 'If-Match': first } }, 412)
    await ann.updateCategory({ path: { categoryId: unknownId }, body: { name: 'x' } }, 404)
  })
})

describe('deleteCategory', () => {
  test('keeps the tasks of the category, without category and with a new revision', async ({ as }) => {
    const ann = await as('ann')
    const { body: category, etag } = await ann.createCategory({ body: { name: 'a' } })
    const { body: task } = await ann.createTask({ body: { title: 't', categoryId: category.id } })
    const { body: other } = await ann.createTask({ body: { title: 'o' } })
    await ann.deleteCategory({ path: { categoryId: category.id }, headers: { 'If-Match': '"9"' } }, 412)
    expect((await ann.getTask({ path: { taskId: task.id } })).body.categoryId).toBe(category.id)

    await ann.deleteCategory({ path: { categoryId: category.id }, headers: { 'If-Match': etag } })
    const { body: after } = await ann.getTask({ path: { taskId: task.id } })
    expect(after).toEqual({ ...task, categoryId: null, revision: other.revision + 1, updatedAt: after.updatedAt })
    expect((await ann.getTask({ path: { taskId: other.id } })).body).toEqual(other)
    await ann.getCategory({ path: { categoryId: category.id } }, 404)
    await ann.deleteCategory({ path: { categoryId: category.id } }, 404)
    expect((await ann.listCategories()).body.items).toEqual([])
  })

  test('of a concurrent update and delete with one ETag one succeeds, and the other changes nothing', async ({ as }) => {
    const ann = await as('ann')
    for (let round = 0; round < 20; round++) {
      const { body: category, etag } = await ann.createCategory({ body: { name: `${round}` } })
      const { body: task } = await ann.createTask({ body: { title: 't', categoryId: category.id } })
      const path = `/v1/users/me/categories/${category.id}`
      const headers = { 'if-match': etag, 'content-type': 'application/json' }
      const [update, deletion] = await Promise.all([
        ann.send('PATCH', path, { headers, body: '{"position":7}' }),
        ann.send('DELETE', path, { headers: { 'if-match': etag } }),
      ])
      const { categoryId } = (await ann.getTask({ path: { taskId: task.id } })).body
      if (deletion.status === 204) expect([[404, 412].includes(update.status), categoryId]).toEqual([true, null])
      else expect([update.status, deletion.status, categoryId]).toEqual([200, 412, category.id])
    }
  })

  test('leaves no task with a deleted category, also during concurrent creations of tasks', async ({ as }) => {
    const ann = await as('ann')
    for (let round = 0; round < 10; round++) {
      const { body: category } = await ann.createCategory({ body: { name: `${round}` } })
      const create = () =>
        ann.send('POST', '/v1/users/me/tasks', {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ title: 't', categoryId: category.id }),
        })
      const [deletion, ...creations] = await Promise.all([
        ann.deleteCategory({ path: { categoryId: category.id } }),
        create(),
        create(),
        create(),
      ])
      expect(deletion.status).toBe(204)
      for (const { status } of creations) expect([201, 422]).toContain(status)
    }
    const { body } = await ann.listTasks({ query: { limit: 100 } })
    expect(body.items.filter(({ categoryId }) => categoryId !== null)).toEqual([])
  })
})
