// Reminders of tasks: what the field takes, when they fall due, and that an index serves their list.
import { describe, expect } from 'vitest'
import { statement } from '../../src/database/sql.ts'
import { createReminders } from '../../src/domain/reminders.ts'
import type { Client, Input } from '../support/client.ts'
import { test } from '../support/taskspec.ts'

type Query = NonNullable<Input<'listReminders'>['query']>

const ahead = (minutesBefore: number) => ({ at: null, minutesBefore })
const at = (instant: string) => ({ at: instant, minutesBefore: null })
const due = { title: 'a', dueDate: '2027-03-01', dueTime: '10:00', timeZone: 'UTC' }

const instants = async (user: Client, query: Query = {}) => (await user.listReminders({ query })).body.items.map(each => each.at)

describe('the field', () => {
  test('takes either kind, fills in the other, and returns them in their order', async ({ as }) => {
    const ann = await as('ann')
    const reminders = [{ minutesBefore: 30 }, { at: '2027-02-28T08:00:00.000Z' }, { at: null, minutesBefore: 0 }, { minutesBefore: 30 }]
    const { body: task } = await ann.createTask({ body: { ...due, reminders } })
    expect(task.reminders).toEqual([ahead(30), at('2027-02-28T08:00:00.000Z'), ahead(0), ahead(30)])
    expect((await ann.putTask({ path: { taskId: task.id }, body: task })).body.reminders).toEqual(task.reminders)
    expect((await ann.listTasks()).body.items[0]?.reminders).toEqual(task.reminders)

    const path = { taskId: task.id }
    expect((await ann.updateTask({ path, body: { title: 'b' } })).body.reminders).toEqual(task.reminders)
    expect((await ann.updateTask({ path, body: { reminders: [{ minutesBefore: 5 }] } })).body.reminders).toEqual([ahead(5)])
    expect((await ann.updateTask({ path, body: { reminders: [] } })).body.reminders).toEqual([])
  })

  test('needs no due date for instants', async ({ as }) => {
    const ann = await as('ann')
    const { body } = await ann.createTask({ body: { title: 'a', reminders: [at('2027-02-28T08:00:00Z')] } })
    expect(body).toMatchObject({ dueDate: null, reminders: [at('2027-02-28T08:00:00Z')] })
  })

  test.for([
    [[{}], ['/reminders/0/minutesBefore required']],
    [[at('2027-03-01T09:00:00Z'), { at: null }], ['/reminders/1/minutesBefore required']],
    [[{ at: null, minutesBefore: null }], ['/reminders/0/minutesBefore type']],
    [[{ at: '2027-03-01T09:00:00Z', minutesBefore: 5 }], ['/reminders/0/minutesBefore type']],
    [[ahead(-1)], ['/reminders/0/minutesBefore minimum']],
    [[ahead(525_601)], ['/reminders/0/minutesBefore maximum']],
    [[ahead(0.5)], ['/reminders/0/minutesBefore type', '/reminders/0/minutesBefore type']],
    [[at('2027-03-01T09:00:00+02:00')], ['/reminders/0/at pattern']],
    [[at('2027-03-01T09:00:00.1234567Z')], ['/reminders/0/at pattern']],
    [[at('2027-02-29T09:00:00Z')], ['/reminders/0/at format']],
    [[at('0000-01-01T00:00:00Z')], ['/reminders/0/at pattern']],
    [[{ minutesBefore: 5, sound: 'bell' }], ['/reminders/0/sound unknown']],
    [Array(11).fill(ahead(1)), ['/reminders maxItems']],
  ] as const)('refuses %j', async ([reminders, faults], { as }) => {
    const ann = await as('ann')
    const { body } = await ann.createTask({ body: { ...due, reminders: reminders as never } }, 422)
    expect(body.errors.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual(faults)
  })

  test('before a due date needs one, in the body or in the task', async ({ as }) => {
    const ann = await as('ann')
    const reminders = [at('2027-02-28T08:00:00Z'), ahead(5), ahead(6)]
    for (const dueDate of [undefined, null])
      expect(
        (await ann.createTask({ body: { title: 'a', ...(dueDate === null && { dueDate }), reminders } }, 422)).body.errors,
      ).toMatchObject([{ pointer: '/dueDate' }])

    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    const path = { taskId: task.id }
    for (const body of [{ reminders }, { reminders, dueDate: null }])
      expect((await ann.updateTask({ path, body }, 422)).body.errors).toEqual(
        [1, 2].map(i => ({ pointer: `/reminders/${i}`, location: 'body', code: 'needsDueDate', message: 'needs a dueDate' })),
      )
    await ann.updateTask({ path, body: { reminders, dueDate: null }, headers: { 'If-Match': '"1"' } }, 412)
    await ann.updateTask({ path, body: { reminders: [ahead(5)], dueDate: '2027-03-01' } })
    await ann.updateTask({ path, body: { reminders } })
    await ann.updateTask({ path: { taskId: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12' }, body: { reminders } }, 404)
  })

  test('loses those before the due date if that is cleared, and no others', async ({ as }) => {
    const ann = await as('ann')
    const reminders = [ahead(5), at('2027-02-28T08:00:00Z'), ahead(0)]
    const { body: task } = await ann.createTask({ body: { ...due, reminders } })
    const { body } = await ann.updateTask({ path: { taskId: task.id }, body: { dueDate: null } })
    expect(body).toMatchObject({ dueDate: null, dueTime: null, reminders: [at('2027-02-28T08:00:00Z')] })
  })
})

describe('listReminders', () => {
  test('lists those of open tasks from one instant until before another, in their order', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { ...due, reminders: [ahead(60), at('2027-03-01T12:00:00.5Z'), ahead(0)] } })
    const { body: other } = await ann.createTask({ body: { title: 'b', reminders: [at('2027-03-01T09:30:00Z')] } })
    await ann.createTask({ body: { ...due, reminders: [ahead(1)], completed: true } })
    const { body: deleted } = await ann.createTask({ body: { ...due, reminders: [ahead(1)] } })
    await ann.deleteTask({ path: { taskId: deleted.id } })
    await ann.createTask({ body: due })

    const { body, etag } = await ann.listReminders()
    const shown = { taskId: task.id, title: 'a', dueDate: '2027-03-01', dueTime: '10:00', timeZone: 'UTC' }
    const ofOther = { taskId: other.id, title: 'b', dueDate: null, dueTime: null, timeZone: null }
    expect(body.items).toEqual([
      { ...shown, at: '2027-03-01T09:00:00Z' },
      { ...ofOther, at: '2027-03-01T09:30:00Z' },
      { ...shown, at: '2027-03-01T10:00:00Z' },
      { ...shown, at: '2027-03-01T12:00:00.5Z' },
    ])
    expect(etag).toBe((await ann.listTasks()).etag)
    await ann.listReminders({ headers: { 'If-None-Match': etag } }, 304)

    expect(await instants(ann, { from: '2027-03-01T09:30:00Z', to: '2027-03-01T10:00:00Z' })).toEqual(['2027-03-01T09:30:00Z'])
    expect(await instants(ann, { from: '2027-03-01T09:30:00.000001Z' })).toEqual(['2027-03-01T10:00:00Z', '2027-03-01T12:00:00.5Z'])
    expect(await instants(ann, { from: '2027-03-01T10:00:00Z', to: '2027-03-01T10:00:00Z' })).toEqual([])
    expect(await instants(ann, { from: '2027-03-02T10:00:00Z', to: '2027-03-01T10:00:00Z' })).toEqual([])
    expect(await instants(await as('bob'))).toEqual([])

    await ann.updateTask({ path: { taskId: task.id }, body: { completed: true } })
    expect(await instants(ann)).toEqual(['2027-03-01T09:30:00Z'])
    await ann.updateTask({ path: { taskId: task.id }, body: { completed: false, dueDate: '2027-03-09' } })
    expect((await instants(ann)).at(-1)).toBe('2027-03-09T10:00:00Z')
  })

  test('pages through reminders at one instant, and lists two of a task there once', async ({ as }) => {
    const ann = await as('ann')
    const reminders = [ahead(60), at('2027-03-01T09:00:00Z'), ahead(60), ahead(30)]
    const ids: string[] = []
    for (let i = 0; i < 3; i++) ids.push((await ann.createTask({ body: { ...due, reminders } })).body.id)
    const expected = ['2027-03-01T09:00:00Z', '2027-03-01T09:30:00Z'].flatMap(instant => ids.toSorted().map(id => `${instant} ${id}`))
    for (const limit of [1, 2, 4, 6]) {
      const seen: string[] = []
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const { body } = await ann.listReminders({ query: { limit, ...(cursor && { cursor }) } })
        seen.push(...body.items.map(each => `${each.at} ${each.taskId}`))
        cursor = body.nextCursor
      }
      expect(seen).toEqual(expected)
    }
    const forged = Buffer.from(JSON.stringify(['at', 'soon', ids[0]])).toString('base64url')
    const ofTasks = (await ann.listTasks({ query: { limit: 1 } })).body.nextCursor as string
    for (const cursor of [forged, ofTasks, 'x']) {
      const { body } = await ann.listReminders({ query: { cursor } }, 422)
      expect(body.errors).toMatchObject([{ pointer: '/cursor', code: 'cursor' }])
    }
  })

  test('refuses an instant that is none or has another offset', async ({ as }) => {
    const ann = await as('ann')
    for (const [from, code] of [
      ['2027-03-01T09:00:00+02:00', 'pattern'],
      ['2027-02-29T09:00:00Z', 'format'],
      ['2027-03-01', 'format'],
    ] as const)
      expect((await ann.listReminders({ query: { from } }, 422)).body.errors).toContainEqual(
        expect.objectContaining({ pointer: '/from', code }),
      )
  })

  // All of them an hour before.
  test.for([
    ['Pacific/Kiritimati', '2027-03-01', '10:00', '2027-02-28T19:00:00Z'],
    ['Pacific/Pago_Pago', '2027-03-01', '10:00', '2027-03-01T20:00:00Z'],
    ['Europe/Helsinki', '2027-03-01', null, '2027-03-01T06:00:00Z'], // 09:00
    ['Europe/Helsinki', '2027-03-28', '03:30', '2027-03-28T00:30:00Z'], // is skipped, so it is 04:30
    ['Europe/Helsinki', '2027-10-31', '03:30', '2027-10-31T00:30:00Z'], // comes twice
    ['Europe/Helsinki', '2027-03-28', '04:15', '2027-03-28T00:15:00Z'], // an hour before is 02:15
    ['America/Juneau', '1800-01-01', '10:00', '1799-12-31T17:57:41Z'], // was 15:02:19 ahead of UTC
    ['Mars/Olympus', '2027-03-01', '10:00', '2027-03-01T09:00:00Z'], // not known to PostgreSQL
    [null, '2027-03-01', '10:00', '2027-03-01T09:00:00Z'],
  ] as const)(
    'is in the time zone of the task, else of the profile: %s %s %s',
    async ([zone, dueDate, dueTime, instant], { as, service }) => {
      const [ann, bob] = [await as('ann'), await as('bob')]
      for (const user of [ann, bob]) await user.createTask({ body: { title: 'a', dueDate, dueTime, reminders: [ahead(60)] } })
      if (zone !== null) await ann.updateUser({ body: { timeZone: 'America/New_York' } })
      await service.sql`update tasks set time_zone = ${zone} where owner_id = ${ann.id}`
      await service.sql`update users set time_zone = ${zone} where id = ${bob.id}`

      const just = new Date(Date.parse(instant) + 60_000).toISOString()
      for (const user of [ann, bob]) {
        expect(await instants(user, { from: instant, to: just })).toEqual([instant])
        expect(await instants(user, { to: instant })).toEqual([])
        expect(await instants(user, { from: just })).toEqual([])
      }
    },
  )

  test('follows a new time zone of the profile at once, with a new ETag', async ({ as }) => {
    const ann = await as('ann')
    await ann.createTask({ body: { ...due, timeZone: null, reminders: [ahead(0)] } })
    const { etag } = await ann.listReminders()
    await ann.updateUser({ body: { timeZone: 'Pacific/Kiritimati' } })
    const moved = await ann.listReminders({ headers: { 'If-None-Match': etag } }, 200)
    expect(moved.body.items.map(each => each.at)).toEqual(['2027-02-28T20:00:00Z'])
  })

  test('lists nothing beyond the years of the API', async ({ as }) => {
    const ann = await as('ann')
    await ann.createTask({ body: { title: 'a', dueDate: '0001-01-01', reminders: [ahead(525_600), ahead(0)] } })
    await ann.createTask({
      body: { title: 'b', dueDate: '9999-12-31', dueTime: '23:59', timeZone: 'Pacific/Pago_Pago', reminders: [ahead(0)] },
    })
    expect(await instants(ann)).toEqual(['0001-01-01T09:00:00Z'])
  })
})

test('an index of the owner serves the list, and an account without reminders has no entry in it', async ({ service: { sql } }) => {
  await sql`insert into users (id, revision, profile_revision) select unnest(array['reminded', 'other']), 5000, 1`
  await sql`
    insert into tasks (owner_id, id, title, priority, labels, revision, due_date, reminders)
    select owner, md5(n::text)::uuid, n, 'none', '{}', n, date '2027-01-01' + n % 1000,
      case when owner = 'reminded' then '[{"at": null, "minutesBefore": 30}]' else '[]' end::jsonb
    from unnest(array['reminded', 'other']) as owner, generate_series(1, 4000) as n`
  await sql`vacuum analyze tasks`
  const [index] = await sql<{ entries: number }[]>`select reltuples::int as entries from pg_class where relname = 'tasks_reminders_idx'`
  expect(index?.entries).toBeLessThan(5000) // of more than 8000 tasks

  let sent = { text: '', values: [] as unknown[] }
  const reminders = createReminders({
    read: async (name, part) => {
      sent = statement(name, part)
      return []
    },
  })
  await reminders.list('reminded', { from: '2027-02-01T00:00:00Z', to: '2027-02-08T00:00:00Z', limit: 50 })
  const plan = await sql.unsafe(`explain (costs off) ${sent.text}`, sent.values as never)
  const lines = plan.map(row => row['QUERY PLAN']).join('\n')
  expect(lines).toMatch(/Index Cond: \(\(owner_id = 'reminded'::text\) AND \(reminder_edge.* >= .*reminder_edge.* < /)
  expect(lines).not.toContain('Seq Scan on tasks')
})
