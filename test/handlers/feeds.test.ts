// The feed of a calendar, read as a calendar program does: with the link and no token. ical.js and node-ical are the judges of the files.
import ICAL from 'ical.js'
import judge from 'node-ical'
import { describe, expect } from 'vitest'
import { type Client, client, type Input } from '../support/client.ts'
import { collector } from '../support/collector.ts'
import { start, test, tokenOf } from '../support/taskspec.ts'

type Fields = NonNullable<Input<'createCalendar'>['body']>

/** Makes a calendar, and resolves with its id and the path of its feed. */
async function subscribe(user: Client, fields: Partial<Fields> = {}) {
  const { body } = await user.createCalendar({ body: { name: 'Plans', ...fields } })
  const url = body.url as string
  return { calendarId: body.id, url, path: { feedToken: url.slice('/v1/calendars/'.length, -'.ics'.length) } }
}

/** The titles in a file that both judges accept, in its order. */
function titlesIn(file: string, kind: 'vtodo' | 'vevent'): string[] {
  const calendar = new ICAL.Component(ICAL.parse(file))
  const titles = calendar.getAllSubcomponents(kind).map(each => String(each.getFirstPropertyValue('summary')))
  const judged = Object.values(judge.sync.parseICS(file)) as unknown as { type: string; summary: string }[]
  const others = judged.flatMap(({ type, summary }) => (type === kind.toUpperCase() ? summary : []))
  expect(others.toSorted()).toEqual(titles.toSorted())
  expect(calendar.getAllSubcomponents()).toHaveLength(titles.length)
  return titles
}

async function titlesOf(anonymous: Client, path: { feedToken: string }, kind: 'vtodo' | 'vevent' = 'vtodo') {
  return titlesIn((await anonymous.getCalendarFeed({ path })).body, kind).sort()
}

describe('a feed', () => {
  test('of todos has the open tasks that have a due date or a start date', async ({ as, anonymous }) => {
    const ann = await as('ann')
    const { path } = await subscribe(ann, { name: 'Plans; all, of them' })
    const due = { dueDate: '2027-03-01', dueTime: '18:30', timeZone: 'Europe/Helsinki' }
    const { body: pack } = await ann.createTask({ body: { title: 'Pack', ...due, durationMinutes: 90, labels: ['a, b', 'ü'] } })
    await ann.createTask({ body: { title: 'Socks', parentId: pack.id, dueDate: '2027-02-28', reminders: [{ minutesBefore: 30 }] } })
    await ann.createTask({ body: { title: 'Weekly', dueDate: '2027-03-03', recurrence: { rule: 'FREQ=WEEKLY' } } })
    await ann.createTask({ body: { title: 'From May', startDate: '2027-05-01', description: 'two\nlines' } })
    await ann.createTask({ body: { title: 'Some day', deadlineDate: '2027-06-01' } })
    await ann.createTask({ body: { title: 'Done', dueDate: '2027-03-01', completed: true } })
    const { body: gone } = await ann.createTask({ body: { title: 'Deleted', dueDate: '2027-03-01' } })
    await ann.deleteTask({ path: { taskId: gone.id } })

    const { body, headers } = await anonymous.getCalendarFeed({ path })
    expect(titlesIn(body, 'vtodo').sort()).toEqual(['From May', 'Pack', 'Socks', 'Weekly'])
    const lines = ['NAME:Plans\\; all\\, of them', 'REFRESH-INTERVAL;VALUE=DURATION:PT1H', 'X-PUBLISHED-TTL:PT1H']
    for (const line of lines) expect(body.split('\r\n')).toContain(line)
    expect(headers.get('content-type')).toBe('text/calendar; charset=utf-8')
    expect(headers.get('cache-control')).toBe('private, no-cache')
  })

  test('of events has the open tasks that have a due date', async ({ as, anonymous }) => {
    const ann = await as('ann')
    const { path } = await subscribe(ann, { kind: 'event' })
    const due = { dueDate: '2027-03-01', dueTime: '18:30', timeZone: 'UTC', durationMinutes: 90 }
    const { body: task } = await ann.createTask({ body: { title: 'Pack', ...due } })
    await ann.createTask({ body: { title: 'All day', dueDate: '2027-03-02' } })
    await ann.createTask({ body: { title: 'From May', startDate: '2027-05-01' } })
    const { body } = await anonymous.getCalendarFeed({ path })
    expect(titlesIn(body, 'vevent')).toEqual(['Pack', 'All day'])
    const event = judge.sync.parseICS(body)[task.id] as { start: Date; end: Date }
    expect([event.start, event.end].map(Number)).toEqual(['18:30', '20:00'].map(time => Date.parse(`2027-03-01T${time}:00Z`)))
  })

  test('without tasks is an empty calendar', async ({ as, anonymous }) => {
    const { path } = await subscribe(await as('ann'))
    expect(await titlesOf(anonymous, path)).toEqual([])
  })

  test('has more tasks than a page, each once', async ({ as, anonymous, service: { sql } }) => {
    const ann = await as('ann')
    const { path } = await subscribe(ann)
    await sql`
      insert into tasks (owner_id, id, title, priority, labels, due_date, revision)
      select ${ann.id}, gen_random_uuid(), 'Task ' || number, 'none', '{}', '2027-03-01', 1 from generate_series(1, 1200) as number`
    expect(new Set(await titlesOf(anonymous, path)).size).toBe(1200)
  })

  test('needs no token, and ignores one', async ({ as, service: { url } }) => {
    const { path } = await subscribe(await as('ann'))
    for (const token of [undefined, 'not.a.token', await tokenOf('bob')]) await client(url, token).getCalendarFeed({ path })
  })
})

describe('a filter', () => {
  test('selects tasks in one of the categories and with one of the labels', async ({ as, anonymous }) => {
    const ann = await as('ann')
    const category = async (name: string) => (await ann.createCategory({ body: { name } })).body.id
    const [home, work, garden] = [await category('Home'), await category('Work'), await category('Garden')]
    const create = (title: string, categoryId: string | null, labels: string[]) =>
      ann.createTask({ body: { title, categoryId, labels, dueDate: '2027-03-01' } })
    await create('Paint', home, ['Red', 'blue'])
    await create('Meet', work, ['blue'])
    await create('Dig', garden, ['red'])
    await create('Read', null, ['green'])
    const titles = async (fields: Partial<Fields>) => titlesOf(anonymous, (await subscribe(ann, fields)).path)
    expect(await titles({ categoryIds: [home, garden] })).toEqual(['Dig', 'Paint'])
    expect(await titles({ labels: ['RED', 'green'] })).toEqual(['Dig', 'Paint', 'Read'])
    expect(await titles({ categoryIds: [home, work], labels: ['red'] })).toEqual(['Paint'])
    const { path } = await subscribe(ann, { categoryIds: [garden] })
    await ann.deleteCategory({ path: { categoryId: garden } })
    expect(await titlesOf(anonymous, path)).toEqual([])
  })

  test('by a category of another user selects nothing', async ({ as, anonymous }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    await ann.createTask({ body: { title: 'Private', categoryId: home.id, dueDate: '2027-03-01' } })
    await bob.createTask({ body: { title: 'Own', dueDate: '2027-03-01' } })
    expect(await titlesOf(anonymous, (await subscribe(bob, { categoryIds: [home.id] })).path)).toEqual([])
    expect(await titlesOf(anonymous, (await subscribe(bob)).path)).toEqual(['Own'])
  })
})

describe('the ETag of a feed', () => {
  test('is that of the account: 304 until something changes, also the calendar', async ({ as, anonymous }) => {
    const ann = await as('ann')
    const { path, calendarId } = await subscribe(ann)
    const { etag: first } = await anonymous.getCalendarFeed({ path })
    const { headers } = await anonymous.getCalendarFeed({ path, headers: { 'If-None-Match': first } }, 304)
    expect([headers.get('etag'), headers.get('cache-control')]).toEqual([first, 'private, no-cache'])
    await ann.createTask({ body: { title: 'Pack', dueDate: '2027-03-01' } })
    const { etag: second, body } = await anonymous.getCalendarFeed({ path, headers: { 'If-None-Match': first } })
    expect(titlesIn(body, 'vtodo')).toEqual(['Pack'])
    await ann.updateCalendar({ path: { calendarId }, body: { kind: 'event' } })
    const { body: events } = await anonymous.getCalendarFeed({ path, headers: { 'If-None-Match': second } })
    expect(titlesIn(events, 'vevent')).toEqual(['Pack'])
    await anonymous.getCalendarFeed({ path, headers: { 'If-Match': second } }, 412)
    expect((await anonymous.send('HEAD', `/v1/calendars/${path.feedToken}.ics`)).status).toBe(200)
  })

  test('is from before a change that comes while the file is read', async ({ as, anonymous, service: { sql, url } }) => {
    const ann = await as('ann')
    const { path, calendarId, url: feed } = await subscribe(ann)
    // Long enough that the buffers of no system take all of them.
    await sql`
      insert into tasks (owner_id, id, title, description, priority, labels, due_date, revision)
      select ${ann.id}, gen_random_uuid(), 'Task', repeat('x', 10000), 'none', '{}', '2027-03-01', 1 from generate_series(1, 1200)`
    const response = await fetch(url + feed)
    await ann.updateCalendar({ path: { calendarId }, body: { labels: ['none has this'] } })
    expect((await response.text()).match(/^BEGIN:VTODO\r$/gm)).toHaveLength(1200) // the judges would take long for so many bytes
    const headers = { 'If-None-Match': response.headers.get('etag') as string }
    expect(titlesIn((await anonymous.getCalendarFeed({ path, headers })).body, 'vtodo')).toEqual([])
  })
})

describe('lastUsedAt', () => {
  test('is set by a use, at most once a minute, and changes no revision', async ({ as, anonymous, service: { sql } }) => {
    const ann = await as('ann')
    const { path, calendarId } = await subscribe(ann)
    const read = () => ann.getCalendar({ path: { calendarId } })
    const unused = await read()
    await anonymous.getCalendarFeed({ path })
    const { body: used, etag } = await read()
    expect(used).toEqual({ ...unused.body, lastUsedAt: expect.any(String) })
    expect([etag, (await ann.listCalendars()).etag]).toEqual([unused.etag, unused.etag])
    await anonymous.getCalendarFeed({ path })
    expect((await read()).body).toEqual(used)
    await sql`update calendars set last_used_at = now() - interval '61 seconds' where owner_id = ${ann.id}`
    await anonymous.getCalendarFeed({ path, headers: { 'If-None-Match': etag } }, 304)
    expect(Date.parse((await read()).body.lastUsedAt as string)).toBeGreaterThanOrEqual(Date.parse(used.lastUsedAt as string))
  })
})

describe('a link', () => {
  test('that is revoked, malformed or was never made is the same 404', async ({ as, anonymous }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const revoked = await subscribe(ann)
    await ann.deleteCalendar({ path: { calendarId: revoked.calendarId } })
    const erased = await subscribe(bob)
    await bob.deleteUser()
    const [owner, secret] = (await subscribe(ann)).path.feedToken.split('.') as [string, string]
    const stranger = Buffer.from('nobody').toString('base64url')
    const other = secret.replace(/^./, first => (first === 'A' ? 'B' : 'A'))
    const never = [`${owner}.${other}`, `${stranger}.${secret}`, `${owner}.${secret}x`, secret, 'x', '%FF', `${owner}.${secret} `]
    const replies = []
    for (const feedToken of [revoked.path.feedToken, erased.path.feedToken, ...never]) {
      const { body, headers } = await anonymous.getCalendarFeed({ path: { feedToken } }, 404)
      replies.push({ ...body, requestId: '', policy: headers.get('ratelimit-policy') })
    }
    expect(replies[0]).toMatchObject({ type: '/problems/not-found', instance: '/v1/calendars/***.ics', policy: '"address";q=1000000;w=60' })
    expect(new Set(replies.map(reply => JSON.stringify(reply))).size).toBe(1)
  })

  test('is in no problem', async ({ as, anonymous, service: { databaseUrl } }) => {
    const { url, path } = await subscribe(await as('ann'))
    const replies = await Promise.all([
      ...['POST', 'DELETE', 'PURGE'].map(method => anonymous.send(method, url)),
      ...['?x=1', '?%ff'].map(query => anonymous.send('GET', url + query)),
      anonymous.getCalendarFeed({ path, headers: { 'If-Match': '"1"' } }, 412),
    ])
    const server = await start({ databaseUrl, publicUrl: 'https://example.com/tasks', maxInFlight: 0 })
    replies.push(await client(server.url, undefined).getCalendarFeed({ path }, 503))
    await server.stop()
    expect(replies.map(({ status }) => status)).toEqual([405, 405, 405, 422, 400, 412, 503])
    for (const { body } of replies) {
      expect(body).toMatchObject({ instance: expect.stringMatching(/^(\/tasks)?\/v1\/calendars\/\*\*\*\.ics$/) })
      expect(JSON.stringify(body)).not.toContain(path.feedToken)
    }
  })

  test('is in no line of the log and in no trace, also when its request fails', async ({ as, service }) => {
    const { path } = await subscribe(await as('ann'))
    const { url, received } = await collector()
    const tracing = { url, headers: {}, resource: {}, sampler: 'always_on' as const, ratio: 1 }
    const server = await start({ databaseUrl: service.databaseUrl, tracing, metricsPort: 0 })
    const program = client(server.url, undefined)
    await program.getCalendarFeed({ path })
    await program.getCalendarFeed({ path: { feedToken: `${path.feedToken}x` } }, 404)
    await service.sql`alter table calendars rename column token_hash to elsewhere`
    try {
      await program.getCalendarFeed({ path }, 500)
    } finally {
      await service.sql`alter table calendars rename column elsewhere to token_hash`
    }
    const metrics = await (await fetch(server.metricsUrl as string)).text()
    await server.stop()
    const lines = server.log.filter(({ operation }) => operation === 'getCalendarFeed')
    expect(lines.map(({ status }) => status)).toEqual([200, 404, 500])
    expect(received()).toContain('/v1/calendars/{feedToken}.ics')
    expect(metrics).toContain('operation="getCalendarFeed"')
    const [owner, secret] = path.feedToken.split('.') as [string, string]
    for (const text of [JSON.stringify(server.log), received(), metrics])
      for (const part of [owner, secret]) expect(text).not.toContain(part)
  })

  test('counts against the budget of the address, whether or not it is valid', async ({ as, service: { databaseUrl } }) => {
    const ann = await as('ann')
    const { path } = await subscribe(ann)
    const server = await start({ databaseUrl, limits: { perMinute: 3, shared: false } })
    const program = client(server.url, undefined)
    const { headers } = await program.getCalendarFeed({ path })
    expect(headers.get('ratelimit')).toMatch(/^"address";r=2;t=\d+$/)
    for (let guess = 0; guess < 2; guess++) await program.getCalendarFeed({ path: { feedToken: `${guess}` } }, 404)
    await program.getCalendarFeed({ path }, 429)
    await client(server.url, await tokenOf(ann.id)).listCalendars()
    await server.stop()
  })
})
