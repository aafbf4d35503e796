import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { parse } from 'yaml'
import { client } from '../support/client.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'

describe('health', () => {
  test('is reported without a token', async ({ anonymous }) => {
    expect((await anonymous.getLiveness()).body).toEqual({ status: 'alive' })
    expect((await anonymous.getReadiness()).body).toEqual({ status: 'ready' })
  })

  test('readiness reports pending migrations, liveness ignores them', async () => {
    const database = await createDatabase()
    const server = await start({ databaseUrl: database.url })
    const anonymous = client(server.url, undefined)
    const sql = postgres(database.url, { max: 1, onnotice: () => {} })
    try {
      await sql`delete from schema_migrations where version = (select max(version) from schema_migrations)`
      expect((await anonymous.getReadiness({}, 503)).body.detail).toBe('Migrations are pending: 1. Run: npm run migrate')
      await sql`drop table schema_migrations`
      expect((await anonymous.getReadiness({}, 503)).body.detail).toContain('npm run migrate')
      await anonymous.getLiveness()
    } finally {
      await sql.end()
      await server.stop()
      await database.drop()
    }
  })
})

test('a flood of readiness checks does not keep other requests from the database', async ({ as, anonymous, service, onTestFinished }) => {
  const ann = await as('ann')
  const holder = await service.sql.reserve()
  onTestFinished(() => holder.release())
  onTestFinished(() => void holder`rollback`.catch(() => {}))
  await holder`begin`
  await holder`lock table schema_migrations`
  const checks = Array.from({ length: 50 }, () => anonymous.send('GET', '/readyz'))
  await ann.listTasks()
  await ann.createTask({ body: { title: 'a' } })
  await holder`rollback`
  for (const { status } of await Promise.all(checks)) expect([200, 503]).toContain(status)
  await anonymous.getReadiness()
})

describe('the contract', () => {
  test('is served as written, and as JSON', async ({ anonymous }) => {
    const { body: yaml } = await anonymous.getOpenapiYaml()
    const { body: json } = await anonymous.getOpenapiJson()
    expect(yaml).toBe(await readFile(new URL('../../openapi.yaml', import.meta.url), 'utf8'))
    expect(json).toEqual(parse(yaml))
  })
})

describe('documents and docs', () => {
  test.for(['/openapi.json', '/openapi.yaml', '/docs', '/docs/docs.css', '/docs/swagger-ui-bundle.js'])(
    '%s has a coding, an ETag for it, and 304 for that ETag',
    async (path, { service }) => {
      const plain = await fetched(service.url + path, { 'accept-encoding': 'identity' })
      expect(plain.headers).toMatchObject({ 'cache-control': 'no-cache', vary: 'Accept-Encoding, Origin', etag: expect.any(String) })
      expect(plain.headers['content-encoding']).toBeUndefined()
      for (const [coding, unpack] of [
        ['br', brotliDecompressSync],
        ['gzip', gunzipSync],
      ] as const) {
        const packed = await fetched(service.url + path, { 'accept-encoding': coding })
        const small = plain.body.length < 1024
        expect(packed.headers['content-encoding']).toBe(small ? undefined : coding)
        expect(packed.headers.etag).toBe(small ? plain.headers.etag : plain.headers.etag?.replace(/"$/, `-${coding}"`))
        if (!small) expect(packed.body.length).toBeLessThan(plain.body.length / 2)
        expect((small ? packed.body : unpack(packed.body)).equals(plain.body)).toBe(true)

        const again = (etag: string) => fetched(service.url + path, { 'accept-encoding': coding, 'if-none-match': etag })
        for (const etag of [packed.headers.etag, `"x", W/${packed.headers.etag}`, '*']) {
          const { status, headers, body } = await again(etag as string)
          expect([status, headers.etag, headers['content-type'], body.length]).toEqual([304, packed.headers.etag, undefined, 0])
          // A browser takes the headers of 304 over into what it has stored.
          for (const name of ['cache-control', 'vary', 'content-security-policy']) expect(headers[name]).toBe(packed.headers[name])
        }
        for (const etag of ['"x"', ...(small ? [] : [plain.headers.etag])]) expect((await again(etag as string)).status).toBe(200)
      }
    },
  )

  test.for([
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip;q=1.0, br;q=0.5', 'gzip'],
    ['BR;q=0, *', 'gzip'],
    ['*;q=0.1', 'br'],
    ['identity, gzip;q=0.5', undefined],
    ['gzip;q=0', undefined],
    ['zstd', undefined],
    ['', undefined],
    [',;q=x', undefined],
  ] as const)('Accept-Encoding: %s gets the coding %s', async ([accepted, coding], { service }) => {
    const { status, headers } = await fetched(`${service.url}/openapi.yaml`, { 'accept-encoding': accepted })
    expect([status, headers['content-encoding']]).toEqual([200, coding])
  })

  test('HEAD has the headers of GET', async ({ service }) => {
    const url = `${service.url}/openapi.json`
    const [get, head] = await Promise.all(['GET', 'HEAD'].map(method => fetched(url, { 'accept-encoding': 'br' }, method)))
    for (const name of ['content-length', 'content-encoding', 'etag']) expect(head?.headers[name]).toBe(get?.headers[name])
    expect(head?.body.length).toBe(0)
  })

  test('each says with 304 that nothing has changed, in the terms of the contract', async ({ anonymous }) => {
    const { etag } = await anonymous.getDocs()
    await anonymous.getDocs({ headers: { 'If-None-Match': etag } }, 304)
    for (const name of ['getOpenapiJson', 'getOpenapiYaml'] as const) await anonymous[name]({ headers: { 'If-None-Match': '*' } }, 304)
    await anonymous.getDocsAsset({ path: { asset: 'docs.js' }, headers: { 'If-None-Match': '*' } }, 304)
  })

  test('a reply of the API is never compressed', async ({ as, service }) => {
    const ann = await as('ann')
    await ann.createTask({ body: { title: 'a', description: 'x'.repeat(5_000) } })
    const headers = { authorization: `Bearer ${await tokenOf(ann.id)}`, 'accept-encoding': 'br, gzip' }
    const reply = await fetched(`${service.url}/v1/users/me/tasks`, headers)
    expect(reply.headers['content-encoding']).toBeUndefined()
    expect(reply.headers['cache-control']).toBe('no-store')
  })
})

describe('docs', () => {
  test('load files only from this server, by names that change with their content', async ({ anonymous }) => {
    const { body, headers } = await anonymous.getDocs()
    expect(headers.get('content-security-policy')).toContain("script-src 'self'")
    const files = [...body.matchAll(/(?:href|src)="([^"]+)"/g)].map(match => match[1] as string).filter(url => !url.startsWith('data:'))
    const assets = files.filter(file => file !== 'openapi.yaml')
    expect(assets).toHaveLength(4)
    for (const file of assets) {
      expect(file).toMatch(/^docs\/[a-z-]+\.[\da-f]{16}\.(css|js)$/)
      const { status, headers } = await anonymous.send('GET', `/${file}`)
      expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
      expect(headers.get('etag')).toContain(file.split('.')[1])
      // Of a page of another release: the file of this one, which nothing keeps.
      const other = await anonymous.send('GET', `/${file.replace(/\.[\da-f]{16}\./, '.0123456789abcdef.')}`)
      expect([other.status, other.headers.get('cache-control')]).toEqual([200, 'no-cache'])
    }
  })

  test.for(['package.json', 'index.html', '..', '__proto__', 'toString', 'x.0123456789abcdef.js', '.0123456789abcdef.js'])(
    'serve no other file: %s',
    async (asset, { anonymous }) => {
      const { status } = await anonymous.send('GET', `/docs/${asset === '..' ? '%2e%2e' : asset}`)
      expect([404, 422]).toContain(status)
    },
  )
})

describe('under a prefix that a proxy removes', () => {
  test('every path that the server names has the prefix', async ({ service, onTestFinished }) => {
    const server = await start({ databaseUrl: service.databaseUrl, publicUrl: 'https://example.com/a%20b/tasks' })
    onTestFinished(server.stop)
    const ann = client(server.url, await tokenOf('prefix'))
    const { headers, body } = await ann.createTask({ body: { title: 'a' } })
    expect(headers.get('location')).toBe(`/a%20b/tasks/v1/users/prefix/tasks/${body.id}`)
    const { headers: put } = await ann.putCategory({ path: { categoryId: randomUUID() }, body: { name: 'a' } }, 201)
    expect(put.get('location')).toMatch(/^\/a%20b\/tasks\/v1\/users\/prefix\/categories\//)

    expect((await ann.getTask({ path: { taskId: randomUUID() } }, 404)).body.instance).toMatch(/^\/a%20b\/tasks\/v1\/users\/me\/tasks\//)
    expect((await ann.send('GET', '/nowhere')).body).toMatchObject({
      type: '/problems/not-found', // the name of the kind, not a path
      instance: '/a%20b/tasks/nowhere',
      detail: expect.stringContaining(' /a%20b/tasks/docs.'),
    })
    const malformed = await fetched(`${server.url}/v1`, { host: 'a b' })
    expect(JSON.parse(malformed.body.toString())).toMatchObject({ status: 400, instance: '/a%20b/tasks/v1' })

    const [{ body: json }, { body: yaml }] = await Promise.all([ann.getOpenapiJson(), ann.getOpenapiYaml()])
    expect(json.servers).toEqual([{ url: 'https://example.com/a%20b/tasks', description: expect.any(String) }])
    expect(parse(yaml)).toEqual(json)
  })
})

/** Node's fetch asks for codings by itself and unpacks them, so this is a plain request. */
async function fetched(url: string, headers: Record<string, string>, method = 'GET') {
  const request = httpRequest(url, { method, headers }).end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) }
}
