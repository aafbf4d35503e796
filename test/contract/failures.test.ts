// What every operation answers when something is wrong: made from the spec, so that a new operation is tried by itself.

import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect } from 'vitest'
import { cases } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { exampleBody, type Operation, operations } from '../support/spec.ts'
import { createDatabase, start, test, tokenOf } from '../support/taskspec.ts'

const id = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'
const json = { 'content-type': 'application/json' }
const params: Record<string, string> = { userId: 'me', taskId: id, categoryId: id, asset: 'docs.css' }
const pathOf = ({ path }: Operation) => path.replaceAll(/\{(\w+)\}/g, (_, name) => params[name] as string)
const needsDatabase = ({ operationId, security }: Operation) => security?.length !== 0 || operationId === 'getReadiness'
const bodyOf = (operation: Operation) =>
  operation.requestBody === undefined ? {} : { headers: json, body: JSON.stringify(exampleBody(operation)) }

describe.for(operations.map(operation => [operation.operationId, operation] as const))('%s', ([, operation]) => {
  test('refuses a parameter that it does not know', async ({ as }) => {
    const ann = await as('ann')
    const { status, body } = await ann.send(operation.method, `${pathOf(operation)}?unknown=1`, bodyOf(operation))
    expect(status).toBe(422)
    expect(body).toMatchObject({ errors: [{ location: 'query', pointer: '/unknown', code: 'unknown' }] })
  })
})

describe.for(cases(operations.filter(({ requestBody }) => requestBody)).map(operation => [operation.operationId, operation] as const))(
  '%s',
  ([, operation]) => {
    test('refuses a body that is not declared as JSON, is no JSON, or is too large', async ({ as }) => {
      const ann = await as('ann')
      const send = async (headers: Record<string, string>, body: string) =>
        (await ann.send(operation.method, pathOf(operation), { headers, body })).status
      expect(await send({ 'content-type': 'text/plain' }, '{}')).toBe(415)
      expect(await send(json, '{')).toBe(400)
      expect(await send(json, `"${'x'.repeat(1024 * 1024)}"`)).toBe(413)
    })

    test('refuses a field that it does not know', async ({ as }) => {
      const ann = await as('ann')
      const { body } = await ann.send(operation.method, pathOf(operation), {
        headers: json,
        body: JSON.stringify({ ...(exampleBody(operation) as object), unknown: 1 }),
      })
      expect(body).toMatchObject({ errors: [{ location: 'body', pointer: '/unknown', code: 'unknown' }] })
    })
  },
)

test('every operation that needs the database answers 500 when a table is not what it should be', async () => {
  const database = await createDatabase()
  const server = await start({ databaseUrl: database.url })
  const ann = client(server.url, await tokenOf('ann'))
  const { default: postgres } = await import('postgres')
  const sql = postgres(database.url, { max: 1 })
  await sql`alter table users rename to people`
  await sql`alter table tasks rename to chores`
  await sql`alter table categories rename to groups`
  await sql.end()
  for (const operation of cases(operations.filter(({ responses }) => responses[500]))) {
    const { status, body } = await ann.send(operation.method, pathOf(operation), bodyOf(operation))
    expect([operation.operationId, status]).toEqual([operation.operationId, 500])
    expect(JSON.stringify(body)).not.toMatch(/relation|users"|select|42P01/)
  }
  await server.stop()
  await database.drop()
})

test('every operation that needs a token answers 429 when too much was asked for', async ({ service }) => {
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, limits: { perMinute: 1, shared: false } })
  for (const operation of operations) {
    const ann = client(url, await tokenOf(`ann-${operation.operationId}`))
    await ann.send(operation.method, pathOf(operation), bodyOf(operation))
    const { status } = await ann.send(operation.method, pathOf(operation), bodyOf(operation))
    expect([operation.operationId, status === 429]).toEqual([operation.operationId, operation.responses[429] !== undefined])
  }
  await stop()
})

test('every operation but those that tell how the server is answers 503 when there is too much to do', async ({ service }) => {
  const { url, stop } = await start({ databaseUrl: service.databaseUrl, maxInFlight: 0 })
  const nobody = client(url, undefined)
  const answers = operations.map(operation => nobody.send(operation.method, pathOf(operation), bodyOf(operation)))
  for (const [index, operation] of operations.entries()) {
    const { status, headers } = (await answers[index]) as Awaited<(typeof answers)[0]>
    const vital = ['getLiveness', 'getReadiness'].includes(operation.operationId)
    expect([operation.operationId, status]).toEqual([operation.operationId, vital ? 200 : 503])
    if (!vital) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  }
  await stop()
})

test('every operation that needs the database answers 503 when there is none, and the others go on', async () => {
  const nobody = createServer().listen(0, '127.0.0.1')
  await once(nobody, 'listening')
  const { port } = nobody.address() as { port: number }
  nobody.close()
  const server = await start({ databaseUrl: `postgres://127.0.0.1:${port}/none`, poolSize: 30 })
  const ann = client(server.url, await tokenOf('ann'))
  await Promise.all(
    operations.map(async operation => {
      const { status, headers } = await ann.send(operation.method, pathOf(operation), bodyOf(operation))
      expect([operation.operationId, status]).toEqual([operation.operationId, needsDatabase(operation) ? 503 : 200])
      if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }),
  )
  await server.stop()
})
