// An import whose database, server or client is lost: what was written stays, and the same file again does the rest and nothing twice.
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { exportFile, importFile, lines, numbers, types } from '../support/import.ts'
import { listening, run } from '../support/process.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'
import { createLine } from './line.ts'

const timeout = 120_000
const count = 1_000
const path = '/v1/users/me/import'

/** More than a few groups, with subtasks before their parents. */
function largeFile() {
  const ids = Array.from({ length: count }, () => randomUUID())
  return lines(...ids.map((id, i) => ({ kind: 'task', id, title: `Task ${i}`, parentId: i % 3 === 0 ? (ids[i + 1] ?? null) : null })))
}

/** Begins an import of which the client sends only a part. */
function begin(url: string, token: string, file: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${types.ndjson}\r\n`)
  socket.write(`Content-Length: ${Buffer.byteLength(file)}\r\n\r\n${file.slice(0, Math.floor(file.length / 2))}`)
  return socket
}

test('the database is lost: 503 says what was done, and a repetition does the rest', { timeout }, async ({ service, onTestFinished }) => {
  const line = await createLine(onTestFinished, service.databaseUrl)
  let groups = 0
  const observe = (text: string) => {
    if (text.includes('insert into tasks as item') && ++groups === 3) line.hangUp()
  }
  const server = await start({ databaseUrl: line.url, observe })
  onTestFinished(server.stop)
  const token = await tokenOf(`import-${randomUUID()}`)
  const file = largeFile()
  const { status, body } = await client(server.url, token).send('POST', path, { headers: { 'content-type': types.ndjson }, body: file })
  expect([status, body]).toMatchObject([503, { detail: expect.stringMatching(/Before that, \d+ items were created and 0 were updated/) }])
  const done = Number(/Before that, (\d+)/.exec((body as { detail: string }).detail)?.[1])

  const ann = client(service.url, token)
  const report = await importFile(ann, file)
  expect(report.created + report.unchanged).toBe(count)
  expect(report.unchanged).toBeGreaterThanOrEqual(done)
  expect(done).toBeGreaterThan(0)
  expect(numbers(await importFile(ann, file))).toEqual([0, 0, count, 0])
})

test('the server is killed: the same request with the same key does the rest', { timeout }, async ({ service, onTestFinished }) => {
  const first = run({ DATABASE_URL: service.databaseUrl, NODE_ENV: 'production' }, { atEnd: onTestFinished })
  const url = await listening(first)
  const owner = `import-${randomUUID()}`
  const token = await tokenOf(owner)
  const file = largeFile()
  const socket = begin(url, token, file)
  const written = async () => (await service.sql`select from tasks where owner_id = ${owner}`).length
  await eventually(async () => expect(await written()).toBeGreaterThan(0))
  first.child.kill('SIGKILL')
  await first.ended
  socket.destroy()
  const kept = await written()

  const ann = client(service.url, token)
  const request = { body: file, type: types.ndjson, headers: { 'Idempotency-Key': '"moving"' } }
  const { body, headers } = await ann.importAccount(request)
  expect(numbers(body)).toEqual([count - kept, 0, kept, 0])
  expect(headers.get('idempotency-replayed')).toBe(null)
  const again = await ann.importAccount(request)
  expect([again.headers.get('idempotency-replayed'), again.body]).toEqual(['true', body])
  expect((await exportFile(ann)).trimEnd().split('\n')).toHaveLength(1 + count)
})

test('the client is lost: nothing more is written, and the server goes on', { timeout }, async ({ service, onTestFinished }) => {
  const server = await start({ databaseUrl: service.databaseUrl, timeouts: { databaseFactor: 10 } })
  onTestFinished(server.stop)
  const owner = `import-${randomUUID()}`
  const token = await tokenOf(owner)
  const file = largeFile()
  const socket = begin(server.url, token, file)
  await eventually(async () => expect(await service.sql`select from tasks where owner_id = ${owner}`).not.toHaveLength(0))
  socket.destroy()
  await eventually(() => expect(server.log.find(({ operation }) => operation === 'importAccount')).toMatchObject({ status: 400 }))
  const ann = client(server.url, token)
  const report = await importFile(ann, file)
  expect(report.unchanged).toBeGreaterThan(0)
  expect(report.created + report.unchanged).toBe(count)
})

test('a shutdown waits for an import', { timeout }, async ({ service }) => {
  const server = await start({ databaseUrl: service.databaseUrl, timeouts: { databaseFactor: 10, drainMs: 60_000 } })
  const token = await tokenOf(`import-${randomUUID()}`)
  const file = largeFile()
  const socket = begin(server.url, token, file)
  let received = ''
  socket.on('data', bytes => {
    received += bytes
  })
  const ann = client(service.url, token)
  await eventually(async () => expect((await ann.listTasks()).body.items).not.toEqual([]))
  const stopped = server.stop()
  socket.write(file.slice(Math.floor(file.length / 2)))
  await stopped
  expect(received).toMatch(/^HTTP\/1\.1 200 /)
  expect(numbers(await importFile(ann, file))).toEqual([0, 0, count, 0])
})
