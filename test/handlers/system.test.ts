import postgres from 'postgres'
import { describe, expect } from 'vitest'
import { parse } from 'yaml'
import { client } from '../support/client.ts'
import { createDatabase, start, test } from '../support/taskspec.ts'

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
    expect(yaml).toMatch(/^openapi: 3\.1\.0\n/)
    expect(json).toEqual(parse(yaml))
  })
})

describe('docs', () => {
  test('load files only from this server', async ({ anonymous }) => {
    const { body, headers } = await anonymous.getDocs()
    expect(headers.get('content-security-policy')).toContain("script-src 'self'")
    const files = [...body.matchAll(/(?:href|src)="([^"]+)"/g)].map(match => match[1] as string).filter(url => !url.startsWith('data:'))
    expect(files.length).toBeGreaterThan(2)
    for (const file of files) expect((await anonymous.send('GET', file)).status).toBe(200)
  })

  test.for(['package.json', 'index.html', '..', '__proto__', 'toString'])('serve no other file: %s', async (asset, { anonymous }) => {
    const { status } = await anonymous.send('GET', `/docs/${asset === '..' ? '%2e%2e' : asset}`)
    expect([404, 422]).toContain(status)
  })
})
