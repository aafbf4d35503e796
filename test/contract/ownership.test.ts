// Nobody reaches another person's rows: every operation of the spec is tried as a stranger.
import { describe, expect } from 'vitest'
import { exampleBody, type Operation, operations } from '../support/spec.ts'
import { type Service, test } from '../support/taskspec.ts'

const owned = operations.filter(({ path }) => path.includes('{userId}'))
const withId = owned.filter(({ path }) => /\{(taskId|categoryId)\}/.test(path))

/** Every row of the database, in words. */
async function everything({ sql }: Service): Promise<string> {
  const rows = await sql`
    select users::text as row from users
    union all select categories::text from categories
    union all select tasks::text from tasks
    order by row`
  return rows.map(({ row }) => row).join('\n')
}

function request({ method, path, requestBody }: Operation, params: Record<string, string>, body: unknown) {
  const target = path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(params[name] as string))
  return [
    method,
    target,
    requestBody === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) },
  ] as const
}

/** The example of the body, without what refers to rows that aren't there. */
function bodyOf(operation: Operation) {
  const body = exampleBody(operation)
  return typeof body === 'object' && body !== null ? { ...body, ...('categoryId' in body && { categoryId: null }) } : body
}

test('there are operations to try', () => {
  expect(owned.length).toBeGreaterThan(10)
  expect(withId.length).toBeGreaterThan(5)
})

describe.for(owned.map(operation => [operation.operationId, operation] as const))('%s', ([, operation]) => {
  test('by a stranger is 403 and changes nothing, whether or not that person exists', async ({ as, service }) => {
    const [ann, stranger] = [await as('ann'), await as('stranger')]
    const { body: category } = await ann.createCategory({ body: { name: 'x' } })
    const { body: task } = await ann.createTask({ body: { title: 'a', categoryId: category.id } })
    const before = await everything(service)

    for (const userId of [ann.id, 'nobody', ann.id.toUpperCase(), `${stranger.id} `, `${stranger.id}/`, '', '%00', 'ME'].filter(
      each => each !== '',
    )) {
      const { status, body } = await stranger.send(
        ...request(operation, { userId, taskId: task.id, categoryId: category.id }, bodyOf(operation)),
      )
      expect([userId, status]).toEqual([userId, 403])
      expect(body).toMatchObject({ type: '/problems/forbidden', errors: [] })
    }
    expect(await everything(service)).toBe(before)
  })

  test('without a token is 401 and changes nothing', async ({ as, anonymous, service }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    const before = await everything(service)
    const { status, headers } = await anonymous.send(
      ...request(operation, { userId: ann.id, taskId: task.id, categoryId: task.id }, bodyOf(operation)),
    )
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect(await everything(service)).toBe(before)
  })
})

describe.for(withId.map(operation => [operation.operationId, operation] as const))('%s', ([, operation]) => {
  test('with an id of another person in one’s own space finds nothing and changes nothing of theirs', async ({ as, service }) => {
    const [ann, stranger] = [await as('ann'), await as('stranger')]
    const { body: category } = await ann.createCategory({ body: { name: 'x' } })
    const { body: task } = await ann.createTask({ body: { title: 'a', categoryId: category.id } })
    await stranger.getUser()
    const before = await everything(service)

    const { status } = await stranger.send(
      ...request(operation, { userId: 'me', taskId: task.id, categoryId: category.id }, bodyOf(operation)),
    )
    // An id is one's own choice, so PUT makes a row in one's own space: 404 would tell that the id is in use elsewhere.
    expect(status).toBe(operation.method === 'PUT' ? 201 : 404)
    if (operation.method === 'PUT') await stranger.deleteUser()
    else expect(await everything(service)).toBe(before)
    expect((await ann.getTask({ path: { taskId: task.id } })).body).toEqual(task)
    expect((await ann.getCategory({ path: { categoryId: category.id } })).body).toEqual(category)
  })
})
