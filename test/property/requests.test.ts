// Thousands of requests to every operation of a user's space: the spec says which are valid, and the server must agree.
import fc from 'fast-check'
import { expect } from 'vitest'
import { cases } from '../support/checks.ts'
import { record } from '../support/record.ts'
import { type Answer, type Operation, operations, requiredHeaders, resolved, type Schema, violations } from '../support/spec.ts'
import { type Service, test, tokenOf } from '../support/taskspec.ts'
import { type Sample, sample } from './arbitraries.ts'
import { judged, type Verdict } from './judge.ts'
import { holds, unlessStalled } from './seed.ts'
import { send } from './send.ts'
import { owned } from './values.ts'

type Row = Record<string, unknown>
type User = { userId: string; token: string }
type Tried = { sample: Sample; verdict: Verdict; user: User; answer: Answer }

const runsForEachPart = 20 // for each parameter and field; every run of the suite has another seed, so they add up
const revision = 3 // of an account before its request
let userCount = 0

const personal = operations.filter(({ path }) => path.includes('{userId}')).map(each => [each.operationId, each] as const)

test.for(cases(personal))('%s accepts requests that the spec calls valid, and refuses others', async ([, operation], { service }) => {
  const fields = Object.keys(writable(operation))
  const property = fc.asyncProperty(sample(operation), sample => {
    const verdict = judged(operation, sample)
    return unlessStalled(async () => {
      const user = await createUser(service, sample)
      const answer = await ask(service, sample, user)
      const wrong = await findErrors(service, operation, { sample, verdict, user, answer })
      expect(wrong, `${answer.status} ${JSON.stringify(answer.body)}`).toEqual([])
    })
  })
  await holds(property, { runs: runsForEachPart * (1 + operation.parameters.length + fields.length), lanes: 8 })
})

/** A user with the category, the calendar, the webhook, the task, the label and the item of the trash of the spec's examples. */
async function createUser({ sql }: Service, { sub }: Sample): Promise<User> {
  const userId = `u${userCount++}.${sub}`
  const { categoryId, calendarId, webhookId, taskId, itemId, name, label, dueDate } = owned
  await sql`
    with account as (
      insert into users (id, revision, profile_revision) values (${userId}, ${revision}, 1) returning id),
    category as (
      insert into categories (owner_id, id, name, position, revision) select id, ${categoryId}, ${name}, 0, 2 from account returning id),
    calendar as (
      insert into calendars (owner_id, id, name, kind, token_hash, revision)
      select id, ${calendarId}, ${name}, 'todo', '', 3 from account returning id),
    webhook as (
      insert into webhooks (owner_id, id, url, kinds, secret, delivered_revision, revision)
      select id, ${webhookId}, 'https://example.com', array['task'], 'x', 3, 3 from account returning id)
    insert into tasks (owner_id, id, title, priority, labels, due_date, recurrence, revision, deleted_at)
    select account.id, task.id, 'Existing', 'none', array[${label}], ${dueDate}::date, '{"rule":"FREQ=DAILY","from":"due"}', 3, task.deleted_at
    from account, (values (${taskId}::uuid, null), (${itemId}, now())) as task (id, deleted_at)`
  return { userId, token: await tokenOf(userId) }
}

function ask({ url }: Service, { target, headers, ...rest }: Sample, { userId, token }: User): Promise<Answer> {
  const mine = target.replace('{userId}', encodeURIComponent(userId))
  return send(url, { ...rest, target: mine, headers: [['Authorization', `Bearer ${token}`], ...headers] })
}

/** The errors of an answer and of the row that the request wrote, in words. */
async function findErrors(service: Service, operation: Operation, tried: Tried): Promise<string[]> {
  const { answer, verdict, user } = tried
  const { status, headers, body } = answer
  record('replies', { operationId: operation.operationId, status })
  const success = status >= 200 && status < 300
  const wrong = [
    ...violations(operation, answer),
    ...requiredHeaders.filter(name => !headers.has(name)).map(name => `header ${name} is missing`),
  ]
  if (!verdict.statuses.includes(success ? '2xx' : status)) wrong.push(`the spec asks for ${verdict.statuses.join(' or ')}`)

  if (verdict.locations.length > 0 && status === 422) {
    const named = new Set((body as { errors: { location: string }[] }).errors.map(({ location }) => location))
    if (String([...named].sort()) !== String(verdict.locations)) wrong.push(`the errors must be in ${verdict.locations}`)
  }

  if (operation.operationId === 'runBatch') return wrong // another property says what its operations change
  const idle =
    operation.method === 'GET' ||
    ['testWebhook', 'replayWebhook'].includes(operation.operationId) || // a delivery is no change
    (operation.method === 'PATCH' && !Object.keys((verdict.body ?? {}) as Row).some(name => Object.hasOwn(writable(operation), name)))
  const expected = success && operation.operationId === 'deleteUser' ? undefined : success && !idle ? revision + 1 : revision
  const [account] = await service.sql`select revision::int from users where id = ${user.userId}`
  // A file may change anything, or nothing.
  const isFile = operation.operationId === 'importAccount'
  if (!isFile && account?.revision !== expected) wrong.push(`the account is at revision ${account?.revision}, and should be at ${expected}`)

  if (success && verdict.body !== undefined) wrong.push(...(await misread(service, operation, tried)))
  return wrong
}

/** Reads the written row again, if the spec has an operation for that, and compares. */
async function misread(service: Service, operation: Operation, { sample, answer, verdict, user }: Tried): Promise<string[]> {
  if (operation.operationId === 'replayWebhook') return [] // its `revision` is not that of the webhook
  const hidden: Record<string, Row> = { createCalendar: { url: null }, createWebhook: { secret: null } } // in this reply alone
  const row: Row = { ...(answer.body as Row), ...hidden[operation.operationId] }
  if (operations.some(({ method, path }) => method === 'GET' && path === operation.path)) {
    const target = answer.headers.get('location') ?? sample.target
    const read = await ask(service, { ...sample, method: 'GET', target, headers: [], body: undefined }, user)
    if (JSON.stringify(read.body) !== JSON.stringify(row)) return [`it reads otherwise: ${read.status} ${JSON.stringify(read.body)}`]
    if (read.headers.get('etag') !== answer.headers.get('etag')) return [`it has another ETag: ${read.headers.get('etag')}`]
  }

  const fields = writable(operation)
  const defaults = Object.entries(fields).flatMap(([name, field]) => ('default' in field ? [[name, field.default]] : []))
  return Object.entries({ ...Object.fromEntries(defaults), ...(verdict.body as Row) })
    .filter(([name, value]) => Object.hasOwn(fields, name) && !follows(name, value, (verdict.body ?? {}) as Row))
    .map(([name, value]) => [name, JSON.stringify(stored(fields[name] as Schema, value)), JSON.stringify(row[name])] as const)
    .filter(([, sent, kept]) => sent !== kept)
    .map(([name, sent, kept]) => `${name} should be ${sent}, and is ${kept}`)
}

/** Whether the server makes something else of a field: the key for none, and the position that fits a key. A move names its neighbours. */
const follows = (name: string, value: unknown, body: Row) =>
  ['before', 'after'].includes(name) || (name === 'sortKey' && value === null) || (name === 'position' && typeof body.sortKey === 'string')

/** The fields of the body that are not only read. */
function writable({ requestBody }: Operation): Record<string, Schema> {
  const media = requestBody?.content['application/json']
  const { properties = {} } = media === undefined ? {} : resolved(media.schema)
  return Object.fromEntries(Object.entries(properties).filter(([, schema]) => schema['x-read-only'] !== true))
}

/** A UUID comes back in lower case (RFC 9562, section 4), and once in a list; an empty text that can be null as null, and an object with all its properties. */
function stored(schema: Schema, value: unknown): unknown {
  const { items, properties } = resolved(schema)
  if (properties !== undefined && value !== null) {
    const defaults = Object.entries(properties).flatMap(([name, property]) => ('default' in property ? [[name, property.default]] : []))
    return Object.fromEntries(Object.entries({ ...Object.fromEntries(defaults), ...(value as object) }).sort()) // as jsonb orders the names
  }
  if (Array.isArray(value) && items !== undefined && resolved(items).format === 'uuid')
    return [...new Set(value.map(each => stored(items, each)))]
  if (items?.properties !== undefined) {
    const empty = Object.fromEntries(Object.keys(items.properties).map(name => [name, null]))
    return (value as object[]).map(each => ({ ...empty, ...each }))
  }
  if (value === '' && [resolved(schema).type].flat().includes('null')) return null
  return typeof value === 'string' && resolved(schema).format === 'uuid' ? value.toLowerCase() : value
}
