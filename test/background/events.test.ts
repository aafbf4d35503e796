// Live events over HTTP.
import { randomUUID } from 'node:crypto'
import { describe, expect, type TestContext } from 'vitest'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { listen } from '../support/events.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'

const all = ['user', 'category', 'task', 'calendar', 'webhook']

describe('a stream', () => {
  test('begins with the revision of the account and a time to connect again', async ({ as, service }) => {
    const ann = await as('ann')
    const { body } = await ann.createTask({ body: { title: 'Pack' } })
    const stream = await listen(service.url, await tokenOf(ann.id))
    const { revision } = body
    expect(await stream.next()).toEqual({ id: `${revision}`, revision, kinds: [] })
    expect(stream.text()).toMatch(/^retry: [1-5]\d{3}\n\nid: /)
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(stream.response.headers.get('x-accel-buffering')).toBe('no')
    stream.close()
  })

  test('has an event for each kind of change, with the revision of the change', async ({ as, service }) => {
    const ann = await as('ann')
    await ann.getUser()
    const stream = await listen(service.url, await tokenOf(ann.id))
    await stream.next()
    const { body: task } = await ann.createTask({ body: { title: 'Pack' } })
    expect(await stream.next()).toEqual({ id: `${task.revision}`, revision: task.revision, kinds: ['task'] })
    const { body: category } = await ann.createCategory({ body: { name: 'Travel' } })
    expect(await stream.next()).toMatchObject({ revision: category.revision, kinds: ['category'] })
    const { body: calendar } = await ann.createCalendar({ body: { name: 'Travel' } })
    expect(await stream.next()).toMatchObject({ revision: calendar.revision, kinds: ['calendar'] })
    const { body: user } = await ann.updateUser({ body: { name: 'Ann' } })
    expect(await stream.next()).toMatchObject({ revision: user.revision, kinds: ['user'] })
    await ann.deleteTask({ path: { taskId: task.id } })
    expect((await stream.next()).kinds).toEqual(['task'])
    await ann.emptyTrash()
    expect((await stream.next()).kinds).toEqual([])
    stream.close()
  })

  test('is of its own account only', async ({ as, service }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    await Promise.all([ann.getUser(), bob.getUser()])
    const stream = await listen(service.url, await tokenOf(ann.id))
    await stream.next()
    await bob.createTask({ body: { title: 'Pack' } })
    const { body } = await ann.createCategory({ body: { name: 'Travel' } })
    expect(await stream.next()).toMatchObject({ revision: body.revision, kinds: ['category'] })
    stream.close()
  })

  test('of an account that is made, erased and made again has the revision 0 in between', async ({ as, service }) => {
    const ann = await as('ann')
    const stream = await listen(service.url, await tokenOf(ann.id))
    expect(await stream.next()).toMatchObject({ id: '0', revision: 0, kinds: [] })
    await ann.createTask({ body: { title: 'Pack' } })
    const { revision } = await stream.next()
    await ann.deleteUser()
    expect(await stream.next()).toEqual({ id: '0', revision: 0, kinds: all })
    await ann.createCategory({ body: { name: 'Travel' } })
    const last = await stream.next()
    expect(last.revision).toBeGreaterThan(revision)
    expect(last.kinds).toEqual(all)
    stream.close()
  })

  test('of an account that was made again before it was asked for names all kinds', async ({ as, service, onTestFinished }) => {
    const ann = await as('ann')
    await ann.createTask({ body: { title: 'Pack' } })
    // This server hears of nothing for an hour.
    const { url, stop } = await start({ databaseUrl: service.databaseUrl, timeouts: { pollMs: 3_600_000 } })
    onTestFinished(stop)
    const stream = await listen(url, await tokenOf(ann.id))
    await stream.next()
    await ann.deleteUser()
    const { body } = await client(url, await tokenOf(ann.id)).updateUser({ body: { name: 'Ann' } })
    expect(await stream.next()).toMatchObject({ revision: body.revision, kinds: all })
    stream.close()
  })

  test('tells several streams of an account the same', async ({ as, service }) => {
    const ann = await as('ann')
    const token = await tokenOf(ann.id)
    const streams = await Promise.all(Array.from({ length: 5 }, () => listen(service.url, token)))
    for (const stream of streams) await stream.next()
    const { body } = await ann.putTask({ path: { taskId: randomUUID() }, body: { title: 'Pack' } }, 201)
    for (const stream of streams) expect(await stream.next()).toMatchObject({ revision: body.revision })
    for (const stream of streams) stream.close()
  })

  test('of HEAD has no body, and takes no place', async ({ as, service }) => {
    const ann = await as('ann')
    for (let count = 0; count < 25; count++) {
      const { status, headers, body } = await ann.send('HEAD', '/v1/users/me/events')
      expect([status, headers.get('content-type'), body]).toEqual([200, 'text/event-stream; charset=utf-8', undefined])
    }
    const stream = await listen(service.url, await tokenOf(ann.id))
    await stream.next()
    stream.close()
  })

  test('is logged at its end, and as aborted if its client left', async ({ as, service }) => {
    const ann = await as('ann')
    const headers = { 'x-request-id': `stream-${randomUUID()}` }
    const stream = await listen(service.url, await tokenOf(ann.id), headers)
    await stream.next()
    const line = () => service.log.find(({ requestId }) => requestId === headers['x-request-id'])
    expect(line()).toBe(undefined)
    stream.close()
    await eventually(() => expect(line()).toMatchObject({ level: 30, operation: 'streamEvents', status: 200, outcome: 'aborted' }))
  })
})

describe('Last-Event-ID', () => {
  test('of a lower revision gets what has changed since, and of the same nothing', async ({ as, service }) => {
    const ann = await as('ann')
    const token = await tokenOf(ann.id)
    const { body: first } = await ann.createTask({ body: { title: 'Pack' } })
    await ann.createCategory({ body: { name: 'Travel' } })
    const { body: last } = await ann.createCalendar({ body: { name: 'Travel' } })
    const since = async (revision: number) => {
      const stream = await listen(service.url, token, { 'last-event-id': `${revision}` })
      const event = await stream.next()
      stream.close()
      return event
    }
    expect(await since(first.revision)).toMatchObject({ revision: last.revision, kinds: ['category', 'calendar'] })
    expect(await since(last.revision)).toMatchObject({ revision: last.revision, kinds: [] })
    expect(await since(0)).toMatchObject({ revision: last.revision, kinds: all })
    // As after a restored backup.
    expect(await since(last.revision + 1)).toMatchObject({ revision: last.revision, kinds: all })
  })

  test('of before a purge of tombstones gets all kinds', async ({ as, service }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'Pack' } })
    await ann.deleteTask({ path: { taskId: task.id } })
    await ann.emptyTrash()
    const stream = await listen(service.url, await tokenOf(ann.id), { 'last-event-id': `${task.revision}` })
    expect((await stream.next()).kinds).toEqual(all)
    stream.close()
  })

  test.for(['-1', '1.5', 'x', '1, 2', '9'.repeat(16)])('%s is refused', async (id, { as }) => {
    const ann = await as('ann')
    const { status, body } = await ann.send('GET', '/v1/users/me/events', { headers: { 'last-event-id': id } })
    expect([status, body]).toMatchObject([422, { errors: [{ location: 'header', pointer: '/last-event-id' }] }])
  })
})

describe('several processes', () => {
  async function another(databaseUrl: string, onTestFinished: TestContext['onTestFinished']) {
    const { url, stop } = await start({ databaseUrl, timeouts: { pollMs: 20, databaseFactor: 10 } })
    onTestFinished(stop)
    return url
  }

  test('tell each other of their changes through the database', async ({ as, service, onTestFinished }) => {
    const ann = await as('ann')
    await ann.getUser()
    const stream = await listen(await another(service.databaseUrl, onTestFinished), await tokenOf(ann.id))
    await stream.next()
    for (const title of ['Pack', 'Rest', 'Swim']) {
      const { body } = await ann.createTask({ body: { title } })
      expect(await stream.next()).toMatchObject({ revision: body.revision, kinds: ['task'] })
    }
    await ann.deleteUser()
    expect(await stream.next()).toMatchObject({ revision: 0, kinds: all })
    stream.close()
  })

  test('ask for all watched accounts with one statement, and for none without a stream', async ({ as, service, onTestFinished }) => {
    const statements: string[] = []
    const polls = () => statements.filter(text => text.includes('any(')).length
    const { url, stop } = await start({
      ...{ databaseUrl: service.databaseUrl, timeouts: { pollMs: 20, databaseFactor: 10 } },
      observe: text => statements.push(text),
    })
    onTestFinished(stop)
    const users = await Promise.all(['ann', 'bob', 'cid'].map(name => as(name)))
    const streams = await Promise.all(users.map(async ({ id }) => listen(url, await tokenOf(id))))
    for (const stream of streams) await stream.next()
    const before = statements.length
    await eventually(() => expect(polls()).toBeGreaterThan(3))
    expect(statements.slice(before).filter(text => !text.includes('any('))).toEqual([])
    for (const stream of streams) stream.close()
    // A look may be on its way when the last stream ends, and another begins only with a new stream.
    await eventually(async () => {
      const count = polls()
      await new Promise(resolve => setTimeout(resolve, 100))
      expect(polls()).toBe(count)
    })
  })
})
