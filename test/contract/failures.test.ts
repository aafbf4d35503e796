// The error replies of every operation. The cases come from the spec, so a new operation is tested automatically.

import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect } from 'vitest'
import { cases } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { exampleBody, exampleContent, type Operation, operations } from '../support/spec.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'

const id = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
const json = { 'content-type': 'application/json' }
const feedToken = `YWxpY2U.${'x'.repeat(43)}`
const params: Record<string, string> = {
  ...{ userId: 'me', taskId: id, categoryId: id, calendarId: id, webhookId: id, label: 'travel', itemId: id, asset: 'docs.css' },
  feedToken,
}
const pathOf = ({ path }: Operation) => path.replaceAll(/\{(\w+)\}/g, (_, name) => params[name] as string)
const needsDatabase = ({ operationId, responses }: Operation) => responses[500] !== undefined || operationId === 'getReadiness'
const takesJson = ({ requestBody }: Operation) => requestBody?.content['application/json'] !== undefined

describe.for(operations.map(operation => [operation.operationId, operation] as const))('%s', ([, operation]) => {
  test('refuses an unknown parameter', async ({ as }) => {
    const ann = await as('ann')
    const { status, body } = await ann.send(operation.method, `${pathOf(operation)}?unknown=1`, exampleContent(operation))
    expect(status).toBe(422)
    expect(body).toMatchObject({ errors: [{ location: 'query', pointer: '/unknown', code: 'unknown' }] })
  })
})

describe.for(cases(operations.filter(takesJson)).map(operation => [operation.operationId, operation] as const))('%s', ([, operation]) => {
  test('refuses a body of another media type, of malformed JSON, or above the size limit', async ({ as }) => {
    const ann = await as('ann')
    const send = async (headers: Record<string, string>, body: string) =>
      (await ann.send(operation.method, pathOf(operation), { headers, body })).status
    expect(await send({ 'content-type': 'text/plain' }, '{}')).toBe(415)
    expect(await send(json, '{')).toBe(400)
    expect(await send(json, `"${'x'.repeat(1024 * 1024)}"`)).toBe(413)
  })

  test('refuses an unknown field', async ({ as }) => {
    const ann = await as('ann')
    const { body } = await ann.send(operation.method, pathOf(operation), {
      headers: json,
      body: JSON.stringify({ ...(exampleBody(operation) as object), unknown: 1 }),
    })
    expect(body).toMatchObject({ errors: [{ location: 'body', pointer: '/unknown', code: 'unknown' }] })
  })
})

test('every operation that needs the database returns 500 if a column is missing, and 503 if the tables are', async () => {
  const database = await createDatabase()
  const server = await start({ databaseUrl: database.url })
  const ann = client(server.url, await tokenOf('ann'))
  const { default: postgres } = await import('postgres')
  const sql = postgres(database.url, { max: 1 })
  await sql`alter table users rename id to key`
  await sql`alter table tasks rename owner_id to key`
  await sql`alter table categories rename owner_id to key`
  await sql`alter table calendars rename owner_id to key`
  await sql`alter table webhooks rename owner_id to key`
  await expectFailures(500)
  // As before the first migration.
  await sql`drop table users, tasks, categories, calendars, webhooks, webhook_deliveries, idempotency_keys`
  expect(JSON.stringify(await expectFailures(503))).toContain('Run: npm run migrate')
  await sql.end()

  async function expectFailures(expected: number) {
    let last: unknown
    for (const operation of cases(operations.filter(({ responses }) => responses[500]))) {
      const { status, body } = await ann.send(operation.method, pathOf(operation), exampleContent(operation))
      expect([operation.operationId, status]).toEqual([operation.operationId, expected])
      expect(JSON.stringify(body)).not.toMatch(/relation|column|users"|select|42P01|42703/)
      last = body
    }
    return last
  }
  await server.stop()
  await database.drop()
})

test('every operation that has a budget returns 429 above the rate limit', async ({ service }) => {
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, limits: { perMinute: 1, shared: false } })
  for (const operation of operations) {
    const ann = client(url, await tokenOf(`ann-${operation.operationId}`))
    await ann.send(operation.method, pathOf(operation), exampleContent(operation))
    const { status } = await ann.send(operation.method, pathOf(operation), exampleContent(operation))
    expect([operation.operationId, status === 429]).toEqual([operation.operationId, operation.responses[429] !== undefined])
  }
  await stop()
})

test('every operation except the health checks returns 503 under overload', async ({ service }) => {
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, maxInFlight: 0 })
  const anonymous = client(url, undefined)
  const replies = operations.map(operation => anonymous.send(operation.method, pathOf(operation), exampleContent(operation)))
  for (const [index, operation] of operations.entries()) {
    const { status, headers } = (await replies[index]) as Awaited<(typeof replies)[0]>
    const isHealthCheck = ['getLiveness', 'getReadiness'].includes(operation.operationId)
    expect([operation.operationId, status]).toEqual([operation.operationId, isHealthCheck ? 200 : 503])
    if (!isHealthCheck) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
  await stop()
})

test('every operation that needs the database returns 503 if there is none, and the others return 200', async () => {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  listener.close()
  const server = await start({ databaseUrl: `postgres://127.0.0.1:${port}/none`, poolSize: 30 })
  const ann = client(server.url, await tokenOf('ann'))
  await Promise.all(
    operations.map(async operation => {
      const { status, headers } = await ann.send(operation.method, pathOf(operation), exampleContent(operation))
      expect([operation.operationId, status]).toEqual([operation.operationId, needsDatabase(operation) ? 503 : 200])
      if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }),
  )
  await server.stop()
})
