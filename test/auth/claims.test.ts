// The effects of the claims of a token: the profile, and the space of its subject.
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { JWTPayload } from 'jose'
import { describe, expect } from 'vitest'
import { client } from '../support/client.ts'
import { claims, hmac } from '../support/keyserver.ts'
import { test } from '../support/taskspec.ts'

describe('the claims about the user', () => {
  test('fill the profile at the first contact, and later the email is updated', async ({ service }) => {
    const as = async (changed: JWTPayload) => client(service.url, await hmac(claims({ sub: 'eve', ...changed })))
    const first = await (await as({ email: 'eve@example.com', name: 'Eve' })).getUser()
    expect(first.body).toMatchObject({ id: 'eve', email: 'eve@example.com', name: 'Eve' })
    const moved = await (await as({ email: 'eve@example.org', name: 'Eve' })).getUser()
    expect(moved.body).toMatchObject({ email: 'eve@example.org', name: 'Eve', revision: first.body.revision + 1 })
    expect(moved.etag).not.toBe(first.etag)
    const silent = await (await as({})).getUser()
    expect(silent.body).toEqual(moved.body)
  })

  test('do not overwrite a name that the user changed or cleared', async ({ service }) => {
    const as = async (changed: JWTPayload) => client(service.url, await hmac(claims({ sub: 'flo', ...changed })))
    await (await as({ name: 'Flo' })).getUser()
    for (const name of ['Florence', null]) {
      await (await as({ name: 'Flo' })).updateUser({ body: { name } })
      for (const claim of ['Flo', 'Floris'])
        expect((await (await as({ name: claim, email: `${claim}@example.com` })).getUser()).body.name).toBe(name)
    }
  })

  test.for<[name: string, payload: JWTPayload, expected: { email: string | null; name: string | null }]>([
    ['absent', {}, { email: null, name: null }],
    ['empty texts', { email: '', name: '' }, { email: null, name: null }],
    ['blanks', { email: 'x', name: ' \u3000 ' }, { email: 'x', name: null }],
    ['a name of invisible characters', { name: '\u200b\u2060' }, { email: null, name: null }],
    ['numbers', { email: 1, name: 2 }, { email: null, name: null }],
    ['objects', { email: { a: 1 }, name: ['x'] }, { email: null, name: null }],
    ['NUL', { email: 'a\0@example.com', name: 'a\0' }, { email: null, name: null }],
    ['lone surrogates', { email: '\ud800@example.com', name: '\udfff' }, { email: null, name: null }],
    ['as long as allowed', { email: '😀'.repeat(320), name: '😀'.repeat(200) }, { email: '😀'.repeat(320), name: '😀'.repeat(200) }],
    ['longer than allowed', { email: 'x'.repeat(321), name: '😀'.repeat(201) }, { email: null, name: '😀'.repeat(200) }],
    ['a name after many spaces', { name: `${' '.repeat(300)}Gus` }, { email: null, name: 'Gus' }],
    ['a very long name', { name: 'x'.repeat(9000) }, { email: null, name: 'x'.repeat(200) }],
  ])('can be: %s', async ([name, payload, expected], { service }) => {
    const gus = client(service.url, await hmac(claims({ sub: `gus ${name}`, ...payload })))
    await gus.createTask({ body: { title: 'a' } })
    expect((await gus.getUser()).body).toMatchObject(expected)
  })
})

describe('a sub with unusual characters', () => {
  // fetch removes dot segments from a path before it sends the request.
  async function raw(url: string, method: string, path: string, token: string, body?: object) {
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
    const request = httpRequest(url, { method, path, headers }).end(body && JSON.stringify(body))
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const { statusCode, headers: got } = response
    return { status: statusCode, location: got.location as string, body: JSON.parse(await text(response)) }
  }

  test.for([
    'auth0|abc/def ü',
    'a/b',
    'me',
    '.',
    '..',
    '../bob',
    '%2F',
    '%',
    '%zz',
    'a?b#c',
    'a+b c',
    'https://id.example.com/ann',
    'ann@example.com',
    '😀',
    '__proto__',
    "o'hara; --",
  ])('%s has a space of its own, under "me" and under its encoded id', async (sub, { service }) => {
    const token = await hmac(claims({ sub }))
    const own = `/v1/users/${encodeURIComponent(sub)}`
    const me = await raw(service.url, 'GET', '/v1/users/me', token)
    expect(me).toMatchObject({ status: 200, body: { id: sub } })
    expect(await raw(service.url, 'GET', own, token)).toEqual(me)

    const made = await raw(service.url, 'POST', `${own}/tasks`, token, { title: 'a' })
    // A client would remove dot segments from the path.
    const space = sub === '.' || sub === '..' ? '/v1/users/me' : own
    expect([made.status, made.location]).toEqual([201, `${space}/tasks/${made.body.id}`])
    expect(await raw(service.url, 'GET', made.location, token)).toMatchObject({ status: 200, body: made.body })
    const bob = await hmac(claims({ sub: 'bob' }))
    expect((await raw(service.url, 'GET', made.location, bob)).status).toBe(space === '/v1/users/me' ? 404 : 403)
  })

  test('is compared byte by byte: a different spelling is a different user', async ({ service }) => {
    const ann = client(service.url, await hmac(claims({ sub: 'änn' })))
    for (const id of ['ÄNN', 'a\u0308nn', 'änn ', 'ann', '%C3%A4nn']) await ann.getUser({ path: { userId: id } }, 403)
  })
})
