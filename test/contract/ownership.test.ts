// The ownership sweep: for every operation of the spec, no user reads, changes or detects a row of another user.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import { cases } from '../support/checks.ts'
import type { Client } from '../support/client.ts'
import { exampleBody, exampleContent, type Operation, operations, resolved } from '../support/spec.ts'
import { type Service, test } from '../support/taskspec.ts'

type Ids = Record<string, string>

// Each id of the spec, with a function that makes such a row for a user. It gets the ids made before: list a parent before its children.
const makers: Record<string, (user: Client, ids: Ids) => Promise<string>> = {
  categoryId: async user => (await user.createCategory({ body: { name: 'x' } })).body.id,
  calendarId: async user => (await user.createCalendar({ body: { name: 'a' } })).body.id,
  webhookId: async user => (await user.createWebhook({ body: { url: 'https://example.com/hook' } })).body.id,
  itemId: async user => {
    const { id } = (await user.createTask({ body: { title: 'a' } })).body
    await user.deleteTask({ path: { taskId: id } })
    return id
  },
  async taskId(user, ids) {
    const recurring = { dueDate: '2527-03-01', recurrence: { rule: 'FREQ=DAILY' } }
    return (await user.createTask({ body: { title: 'a', categoryId: ids.categoryId as string, ...recurring } })).body.id
  },
  async label(user) {
    const label = randomUUID()
    await user.createTask({ body: { title: 'a', labels: [label] } })
    return label
  },
}
// Ids in queries and bodies that are ids of another kind.
const aliases: Record<string, string> = { parentId: 'taskId', before: 'taskId', after: 'taskId' }
// Path parameters that name no row of a user, each with the reason.
const publicParameters: Record<string, string> = {
  asset: 'the files of the reference page',
  feedToken: 'a secret, which is the permission: test/handlers/feeds.test.ts tries others',
}

const isId = (name: string) => name !== 'userId' && (Object.hasOwn({ ...makers, ...aliases }, name) || /Id$/.test(name))
const pathIds = ({ path }: Pick<Operation, 'path'>) => parameters(path).filter(name => name !== 'userId')
const queryIds = (operation: Operation) =>
  operation.parameters.filter(each => each.in === 'query' && isId(each.name)).map(({ name }) => name)
const bodyIds = ({ requestBody }: Operation) => {
  const media = Object.values(requestBody?.content ?? {})
  const properties = media.flatMap(({ schema }) => Object.entries(resolved(schema).properties ?? {}))
  // What is only read is ignored in a body.
  return [...new Set(properties.flatMap(([name, schema]) => (isId(name) && schema['x-read-only'] !== true ? name : [])))]
}
const parameters = (path: string) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)

/** Each operation below {userId}, once for each id that it takes from there. */
const sweep = (idsOf: (operation: Operation) => string[]) =>
  owned.flatMap(operation => idsOf(operation).map(name => [operation.operationId, name, operation] as const))
const owned = operations.filter(({ path }) => path.includes('{userId}'))
const [inPath, inQuery, inBody] = [sweep(pathIds), sweep(queryIds), sweep(bodyIds)]

async function makeRows(user: Client): Promise<Ids> {
  const ids: Ids = {}
  for (const [name, make] of Object.entries(makers)) ids[name] = await make(user, ids)
  for (const [name, kind] of Object.entries(aliases)) ids[name] = ids[kind] as string
  return ids
}

/** Every row of every table as text, sorted. */
async function allRows({ sql }: Service): Promise<string[]> {
  const tables = await sql<{ name: string }[]>`select table_name as name from information_schema.tables where table_schema = 'public'`
  const rows = await Promise.all(
    tables.map(({ name }) => sql<{ row: string }[]>`select ${name} || each::text as row from ${sql(name)} each`),
  )
  return rows.flatMap(each => each.map(({ row }) => row)).sort()
}

/** Sends the example of the operation with these ids. Ids in the body are null unless `body` has them. */
function send(
  user: Client,
  { method, path, requestBody, ...operation }: Operation,
  ids: Ids,
  { query = {} as Ids, body = {} as Ids } = {},
) {
  const target = path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(ids[name] as string))
  const example = exampleBody({ method, path, requestBody, ...operation } as Operation)
  const noIds = Object.fromEntries(
    Object.keys(example ?? {})
      .filter(isId)
      .map(name => [name, null]),
  )
  const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...(example as object), ...noIds, ...body }) }
  const init = example === undefined ? exampleContent({ requestBody }) : json
  const search = new URLSearchParams(query)
  return user.send(method, search.size === 0 ? target : `${target}?${search}`, init)
}

describe('the sweep', () => {
  /** Names in paths that the tables above do not know. */
  const unknown = (paths: string[]) =>
    paths.flatMap(parameters).filter(name => name !== 'userId' && !Object.hasOwn(makers, name) && !Object.hasOwn(publicParameters, name))

  test('knows how to make a row for every id of the spec', () => {
    expect(unknown(operations.map(({ path }) => path))).toEqual([])
    expect([...inQuery, ...inBody].map(([, name]) => name).filter(name => !Object.hasOwn({ ...makers, ...aliases }, name))).toEqual([])
  })

  test('finds an unknown path parameter', () => {
    expect(unknown(['/v1/users/{userId}/notes/{noteId}', '/v1/users/{userId}/tasks/{taskId}', '/docs/{asset}'])).toEqual(['noteId'])
    expect(unknown(['/feeds/{feedKey}.ics'])).toEqual(['feedKey'])
  })

  test('needs every entry of its tables', () => {
    const used = new Set(operations.flatMap(({ path }) => parameters(path)))
    expect([...Object.keys(makers), ...Object.keys(publicParameters)].filter(name => !used.has(name))).toEqual([])
    expect(Object.keys(aliases).filter(name => ![...inQuery, ...inBody].some(each => each[1] === name))).toEqual([])
  })

  test('contains every operation that asks for a token, and every id below {userId}', () => {
    const withToken = operations.filter(({ security }) => security === undefined || security.length > 0)
    expect(owned.map(({ operationId }) => operationId)).toEqual(withToken.map(({ operationId }) => operationId))
    expect(owned.length).toBeGreaterThan(10)
    expect(inPath.length).toBeGreaterThan(5)
    expect(inQuery.length).toBeGreaterThan(0)
    expect(inBody.length).toBeGreaterThan(2)
    expect(new Set(inPath.map(([, name]) => name))).toEqual(new Set(Object.keys(makers)))
  })

  test('compares rows of every table that it makes rows for', async ({ as, service }) => {
    const ann = await as('ann')
    const ids = await makeRows(ann)
    const rows = await allRows(service)
    for (const id of [ann.id, ...Object.values(ids)]) expect(rows.filter(row => row.includes(id))).not.toEqual([])
  })
})

describe.for(cases(owned).map(operation => [operation.operationId, operation] as const))('%s', ([, operation]) => {
  test('by another user is 403 and changes nothing, whether or not the user in the path exists', async ({ as, service }) => {
    const [ann, stranger] = [await as('ann'), await as('stranger')]
    const ids = await makeRows(ann)
    const before = await allRows(service)
    for (const userId of [ann.id, 'nobody', ann.id.toUpperCase(), `${stranger.id} `, `${stranger.id}/`, '%00', 'ME']) {
      const { status, body } = await send(stranger, operation, { ...ids, userId })
      expect([userId, status]).toEqual([userId, 403])
      expect(body).toMatchObject({ type: '/problems/forbidden', errors: [] })
    }
    expect(await allRows(service)).toEqual(before)
  })

  test('without a token is 401 and changes nothing', async ({ as, anonymous, service }) => {
    const ann = await as('ann')
    const ids = await makeRows(ann)
    const before = await allRows(service)
    const { status, headers } = await send(anonymous, operation, { ...ids, userId: ann.id })
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect(await allRows(service)).toEqual(before)
  })
})

describe('an id of another user', () => {
  test.for(cases(inPath))(
    'in the path of %s as %s is 404 and changes no row of that user',
    async ([, name, operation], { as, service }) => {
      const [ann, stranger] = [await as('ann'), await as('stranger')]
      const [others, own] = [await makeRows(ann), await makeRows(stranger)]
      const before = await allRows(service)
      const { status } = await send(stranger, operation, { ...own, [name]: others[name] as string, userId: 'me' })
      const after = await allRows(service)
      // PUT takes any unused id of the caller's own space and creates a row there. 404 would reveal that another user has the id.
      const creates = operation.method === 'PUT' && operation.path.endsWith(`{${name}}`)
      const ofOthers = (rows: string[]) => rows.filter(row => !row.includes(stranger.id))
      expect(status).toBe(creates ? 201 : 404)
      expect(creates ? ofOthers(after) : after).toEqual(creates ? ofOthers(before) : before)
    },
  )

  // The reply must be the same as for an id that no user has, and must not contain the row.
  const unseen = [
    ...inQuery.map(([id, name, operation]) => ({ id, name, operation, part: 'query' })),
    ...inBody.map(([id, name, operation]) => ({ id, name, operation, part: 'body' })),
  ]
  test.for(cases(unseen))(
    'in the $part of $id as $name is like an id that no user has',
    async ({ name, operation, part }, { as, service }) => {
      const [ann, stranger] = [await as('ann'), await as('stranger')]
      const [others, own] = [await makeRows(ann), await makeRows(stranger)]
      const before = await allRows(service)
      const reply = async (id: string) => {
        const { status, body } = await send(stranger, operation, { ...own, userId: 'me' }, { [part]: { [name]: id } })
        return { status, body: JSON.parse(JSON.stringify({ ...(body as object), requestId: undefined })) }
      }
      const answer = await reply(others[name] as string)
      expect(answer).toEqual(await reply(randomUUID()))
      for (const id of Object.values(others)) expect(JSON.stringify(answer)).not.toContain(id)
      expect(await allRows(service)).toEqual(before)
    },
  )
})
