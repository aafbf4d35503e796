// Recurring tasks: their rules, the next occurrence of a completed one, skipping, and races.
import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { components } from '../../generated/api.ts'
import { dayOf, moveDate } from '../../src/domain/days.ts'
import { quotas } from '../../src/domain/quota.ts'
import { json } from '../faults/crowd.ts'
import { expectTrees } from '../support/account-rules.ts'
import { cases } from '../support/checks.ts'
import type { Client, Input } from '../support/client.ts'
import { type Service, test } from '../support/taskspec.ts'

type Task = components['schemas']['Task']
type Body = NonNullable<Input<'createTask'>['body']>

const title = 'Water the plants'
const daily = { rule: 'FREQ=DAILY' }
const at = (taskId: string) => ({ taskId })
const create = async (user: Client, body: Partial<Body> = {}) =>
  (await user.createTask({ body: { title, dueDate: '2527-03-01', recurrence: daily, ...body } }, 201)).body
const complete = async (user: Client, taskId: string) => (await user.updateTask({ path: at(taskId), body: { completed: true } }, 200)).body
const read = async (user: Client, taskId: string) => (await user.getTask({ path: at(taskId) }, 200)).body
const all = async (user: Client) => (await user.listTasks({ query: { limit: 100 } })).body.items
const tree = async (user: Client, taskId: string) => (await user.getTaskTree({ path: at(taskId) }, 200)).body.items
/** Completes a task and reads the next occurrence. */
const follow = async (user: Client, taskId: string) =>
  read(user, (await complete(user, taskId)).nextOccurrenceId ?? expect.fail('no next occurrence'))
const codes = ({ body }: { body: { errors: { code: string; pointer: string }[] } }) => body.errors.map(each => [each.pointer, each.code])
/** The status of a request that may lose a race. */
const tried = async (user: Client, method: string, path: string, body?: object) =>
  (await user.send(method, `/v1/users/me/tasks/${path}`, body && json(body))).status
const today = async ({ sql }: Service, zone: string) => {
  const [row] = await sql<{ now: Date }[]>`select now()`
  return dayOf((row as { now: Date }).now.toISOString(), zone)
}
/** The dates that completing one task after the other gives. */
async function dates(user: Client, first: Task, count: number) {
  const found = [first]
  while (found.length <= count) found.push(await follow(user, (found.at(-1) as Task).id))
  return found.slice(1).map(({ dueDate }) => dueDate)
}

describe('a recurrence', () => {
  test('is stored as it was sent, replaced and cleared', async ({ as }) => {
    const ann = await as('ann')
    const { body: plain } = await ann.createTask({ body: { title } })
    expect(plain).toMatchObject({ recurrence: null, nextOccurrenceId: null })
    const task = await create(ann, { recurrence: { rule: 'FREQ=WEEKLY;BYDAY=MO,TH' } })
    expect(task).toMatchObject({ recurrence: { rule: 'FREQ=WEEKLY;BYDAY=MO,TH', from: 'due' }, nextOccurrenceId: null })
    const path = at(task.id)
    const recurrence = { rule: 'FREQ=DAILY;INTERVAL=3', from: 'completion' } as const
    expect((await ann.updateTask({ path, body: { recurrence } })).body.recurrence).toEqual(recurrence)
    expect((await ann.updateTask({ path, body: { title: 'b' } })).body.recurrence).toEqual(recurrence)
    const { body: whole } = await ann.getTask({ path }, 200)
    expect((await ann.putTask({ path, body: { ...whole, nextOccurrenceId: randomUUID() } }, 200)).body).toMatchObject({
      recurrence,
      nextOccurrenceId: null,
    })
    expect((await all(ann)).map(each => each.recurrence)).toEqual([recurrence, null])
    expect((await ann.updateTask({ path, body: { recurrence: null } })).body.recurrence).toBe(null)
    await ann.updateTask({ path, body: { recurrence: daily } })
    expect((await ann.putTask({ path, body: { title } }, 200)).body.recurrence).toBe(null)
  })

  const refusals: [string, string, RegExp][] = [
    ['FREQ=HOURLY', 'recurrence', /^FREQ must be DAILY/],
    ['FREQ=DAILY;BYHOUR=9', 'recurrence', /^BYHOUR must be left out.* dueTime/],
    ['FREQ=DAILY;COUNT=2;UNTIL=20271231', 'recurrence', /^UNTIL must not be combined with COUNT/],
    ['FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30', 'recurrence', /^BYMONTHDAY leaves no date/],
    ['FREQ=WEEKLY;X=1', 'recurrence', /^X is unknown/],
    ['RRULE:FREQ=DAILY', 'pattern', /without RRULE/],
    ['freq=daily', 'pattern', /capital letters/],
    ['FREQ=MINU', 'minLength', /10/],
    [`FREQ=DAILY;BYMONTH=${'1,'.repeat(250)}1`, 'maxLength', /500/],
  ]
  test.for(cases(refusals))('is refused: %s', async ([rule, code, message], { as }) => {
    const ann = await as('ann')
    const task = await create(ann)
    const [path, body] = [at(task.id), { title, dueDate: '2527-03-01', recurrence: { rule } }]
    for (const refused of [
      await ann.createTask({ body }, 422),
      await ann.putTask({ path, body }, 422),
      await ann.putTask({ path: at(randomUUID()), body }, 422),
      await ann.updateTask({ path, body: { recurrence: { rule } } }, 422),
    ])
      expect(refused.body.errors).toContainEqual({
        pointer: '/recurrence/rule',
        location: 'body',
        code,
        message: expect.stringMatching(message),
      })
    expect(await read(ann, task.id)).toEqual(task)
  })

  test('has a rule, a known start, and nothing else', async ({ as }) => {
    const ann = await as('ann')
    const send = async (recurrence: object) => codes(await ann.createTask({ body: { title, recurrence: recurrence as never } }, 422))
    expect(await send({})).toEqual([['/recurrence/rule', 'required']])
    expect(await send({ ...daily, from: 'start' })).toEqual([['/recurrence/from', 'enum']])
    expect(await send({ ...daily, count: 1 })).toEqual([['/recurrence/count', 'unknown']])
  })

  test('needs no due date: the series then begins when the task is completed', async ({ as }) => {
    const ann = await as('ann')
    const task = await create(ann)
    const path = at(task.id)
    expect((await ann.putTask({ path, body: { title, recurrence: daily } }, 200)).body).toMatchObject({
      ...{ dueDate: null, recurrence: { ...daily, from: 'due' } },
    })
    await ann.updateTask({ path, body: { recurrence: { rule: 'FREQ=WEEKLY' } } }, 200)
    expect((await ann.updateTask({ path, body: { recurrence: daily, dueDate: null } }, 200)).body.recurrence?.rule).toBe(daily.rule)
    expect((await follow(ann, task.id)).dueDate).not.toBe(null)
  })

  test('is checked against the due date of the body, else of the task', async ({ as }) => {
    const ann = await as('ann')
    const recurrence = { rule: 'FREQ=DAILY;INTERVAL=7;BYDAY=TU' } // 2527-03-01 is a Saturday
    const task = await create(ann)
    const path = at(task.id)
    expect(codes(await ann.updateTask({ path, body: { recurrence } }, 422))).toEqual([['/recurrence/rule', 'recurrence']])
    const tuesday = { dueDate: '2527-03-04', recurrence }
    expect((await ann.updateTask({ path, body: tuesday })).body).toMatchObject(tuesday)
    await ann.updateTask({ path: at(randomUUID()), body: { recurrence } }, 404)
    await ann.updateTask({ path, body: { recurrence }, headers: { 'If-Match': '"1"' } }, 412)
    // The date alone is not checked: the series just ends.
    await ann.updateTask({ path, body: { dueDate: '2527-03-07' } }, 200)
    expect((await complete(ann, task.id)).nextOccurrenceId).toBe(null)
  })
})

describe('completing', () => {
  test('creates the next occurrence, an open task with the same fields, in the same revision', async ({ as }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    const { body: parent } = await ann.createTask({ body: { title: 'House', categoryId: home.id } })
    const whole = {
      ...{ title, description: 'All of them', priority: 'high' as const, parentId: parent.id, dueTime: '18:30', durationMinutes: 20 },
      ...{ timeZone: 'Europe/Helsinki', labels: ['x', 'Y'] },
    } as const
    const dated = {
      ...{ dueDate: '2527-03-01', startDate: '2527-02-27', deadlineDate: '2527-03-05' },
      reminders: [{ minutesBefore: 60 }, { at: '2527-02-28T08:00:00Z' }],
      recurrence: { rule: 'FREQ=DAILY;INTERVAL=2' },
    }
    const task = await create(ann, { ...whole, ...dated })
    const done = await complete(ann, task.id)
    expect(done).toEqual({
      ...task,
      ...{ completed: true, completedAt: done.updatedAt, updatedAt: done.updatedAt, revision: task.revision + 1 },
      nextOccurrenceId: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    })
    const next = await read(ann, done.nextOccurrenceId as string)
    expect(next).toEqual({
      ...{ ...task, ...whole, categoryId: home.id, depth: 1, id: done.nextOccurrenceId },
      ...{ dueDate: '2527-03-03', startDate: '2527-03-01', deadlineDate: '2527-03-07' },
      reminders: [
        { at: null, minutesBefore: 60 },
        { at: '2527-03-02T08:00:00Z', minutesBefore: null },
      ],
      ...{ revision: done.revision, createdAt: done.updatedAt, updatedAt: done.updatedAt },
    })
    expect(await all(ann)).toHaveLength(3)
    expect((await ann.listTasks({ query: { completed: false } })).etag).toBe(`"${done.revision}"`)
  })

  const series: [string, string, string, string[]][] = [
    ['a weekly task', '2527-03-01', 'FREQ=WEEKLY;BYDAY=MO,TH', ['2527-03-03', '2527-03-06', '2527-03-10']],
    ['a task of the last day of the month', '2527-01-31', 'FREQ=MONTHLY;BYMONTHDAY=-1', ['2527-02-28', '2527-03-31', '2527-04-30']],
    ['a task of a day that not every month has', '2527-01-31', 'FREQ=MONTHLY', ['2527-03-31', '2527-05-31']],
    ['a task of a leap day', '2528-02-29', 'FREQ=YEARLY', ['2532-02-29', '2536-02-29']],
    ['a task of the second Tuesday', '2527-03-11', 'FREQ=MONTHLY;BYDAY=2TU', ['2527-04-08', '2527-05-13']],
    ['a task with an interval of weeks', '2527-03-01', 'FREQ=WEEKLY;INTERVAL=2', ['2527-03-15', '2527-03-29']],
  ]
  test.for(cases(series))('%s', async ([, dueDate, rule, expected], { as }) => {
    const ann = await as('ann')
    const first = await create(ann, { dueDate, recurrence: { rule } })
    expect(await dates(ann, first, expected.length)).toEqual(expected)
  })

  test('keeps the wall-clock time when the clock changes', async ({ as }) => {
    const ann = await as('ann')
    await ann.updateUser({ body: { timeZone: 'Europe/Helsinki' } })
    // The clock goes forward on 2032-03-28 at 03:00.
    const body = { dueDate: '2032-03-27', dueTime: '09:00', reminders: [{ at: '2032-03-27T06:00:00Z' }] }
    for (const timeZone of ['Europe/Helsinki', null, 'UTC']) {
      const task = await follow(ann, (await create(ann, { ...body, timeZone })).id)
      expect(task).toMatchObject({ dueDate: '2032-03-28', dueTime: '09:00', timeZone })
      expect(task.reminders[0]?.at).toBe(timeZone === 'UTC' ? '2032-03-28T06:00:00Z' : '2032-03-28T05:00:00Z')
    }
  })

  test('ends the series after COUNT tasks, or after the date of UNTIL', async ({ as }) => {
    const ann = await as('ann')
    const counted = await create(ann, { recurrence: { rule: 'FREQ=DAILY;COUNT=3' } })
    const second = await follow(ann, counted.id)
    const third = await follow(ann, second.id)
    expect([second, third].map(each => each.recurrence?.rule)).toEqual(['FREQ=DAILY;COUNT=2', 'FREQ=DAILY;COUNT=1'])
    expect(await complete(ann, third.id)).toMatchObject({ completed: true, nextOccurrenceId: null })

    const until = await follow(ann, (await create(ann, { recurrence: { rule: 'FREQ=DAILY;UNTIL=25270302' } })).id)
    expect(until.dueDate).toBe('2527-03-02')
    expect(await complete(ann, until.id)).toMatchObject({ completed: true, nextOccurrenceId: null })
    expect(await all(ann)).toHaveLength(5)
  })

  test('skips the dates that have passed', async ({ as, service }) => {
    const ann = await as('ann')
    for (const timeZone of ['UTC', 'Pacific/Kiritimati', 'Pacific/Pago_Pago']) {
      const before = await today(service, timeZone)
      const late = await create(ann, { dueDate: '2020-01-01', startDate: '2019-12-31', timeZone })
      const { dueDate, startDate } = await follow(ann, late.id)
      const days = [before, await today(service, timeZone)] // midnight may be in between
      expect(days.map(day => moveDate(day, 1))).toContain(dueDate)
      expect(startDate).toBe(moveDate(dueDate as string, -1))
    }
    const monday = await follow(ann, (await create(ann, { dueDate: '2020-01-06', recurrence: { rule: 'FREQ=WEEKLY' } })).id)
    expect(new Date(monday.dueDate as string).getUTCDay()).toBe(1)
  })

  test('counts from the day of completion, in the time zone of the task, else of the profile', async ({ as, service }) => {
    const ann = await as('ann')
    const recurrence = { rule: 'FREQ=DAILY;INTERVAL=3', from: 'completion' } as const
    await ann.updateUser({ body: { timeZone: 'Pacific/Kiritimati' } })
    for (const timeZone of [null, 'Pacific/Pago_Pago'])
      for (const dueDate of ['2020-01-01', '2527-03-01', null]) {
        const zone = timeZone ?? 'Pacific/Kiritimati'
        const before = await today(service, zone)
        const task = await create(ann, { dueDate, timeZone, recurrence, startDate: '2027-03-01' })
        const next = await follow(ann, task.id)
        const days = [before, await today(service, zone)]
        expect(days.map(day => moveDate(day, 3))).toContain(next.dueDate)
        if (dueDate === null) expect(next.startDate, 'without a due date, the others move from today').toBe('2027-03-04')
      }
  })

  test('takes the fields of the same change', async ({ as }) => {
    const ann = await as('ann')
    const { body: parent } = await ann.createTask({ body: { title: 'House' } })
    const task = await create(ann, { labels: ['x'] })
    await ann.createTask({ body: { title: 'a', parentId: task.id } })
    const change = { title: 'b', labels: ['y'], dueDate: '2527-04-01', parentId: parent.id, recurrence: { rule: 'FREQ=WEEKLY;COUNT=5' } }
    const { body: done } = await ann.updateTask({ path: at(task.id), body: { ...change, completed: true } })
    const [next, below] = await tree(ann, done.nextOccurrenceId as string)
    expect(next).toMatchObject({
      ...change,
      depth: 1,
      completed: false,
      dueDate: '2527-04-08',
      recurrence: { rule: 'FREQ=WEEKLY;COUNT=4' },
    })
    expect(below).toMatchObject({ title: 'a', depth: 2 })

    const reminded = await create(ann, { reminders: [{ minutesBefore: 30 }] })
    const { body: cleared } = await ann.updateTask({ path: at(reminded.id), body: { completed: true, dueDate: null } })
    expect((await tree(ann, cleared.nextOccurrenceId as string))[0]?.reminders).toEqual([])

    const other = await create(ann)
    const { body: ended } = await ann.updateTask({ path: at(other.id), body: { completed: true, recurrence: null } })
    expect(ended).toMatchObject({ completed: true, recurrence: null, nextOccurrenceId: null })
  })

  test('happens by PUT of a task that is there, and not by creating a completed task', async ({ as }) => {
    const ann = await as('ann')
    const task = await create(ann)
    const { body: done } = await ann.putTask({ path: at(task.id), body: { ...task, completed: true } }, 200)
    expect(await read(ann, done.nextOccurrenceId as string)).toMatchObject({ dueDate: '2527-03-02', completed: false })
    const body = { title, dueDate: '2527-03-01', recurrence: daily, completed: true }
    expect((await ann.createTask({ body }, 201)).body.nextOccurrenceId).toBe(null)
    const path = at(randomUUID())
    expect((await ann.putTask({ path, body }, 201)).body.nextOccurrenceId).toBe(null)
    expect((await ann.putTask({ path, body }, 200)).body.nextOccurrenceId, 'it was not open').toBe(null)
    expect(await all(ann)).toHaveLength(4)
  })

  test('again creates no second one: repeated, reopened, or after the next one is deleted', async ({ as }) => {
    const ann = await as('ann')
    const task = await create(ann)
    const { nextOccurrenceId } = await complete(ann, task.id)
    expect((await complete(ann, task.id)).nextOccurrenceId).toBe(nextOccurrenceId)
    await ann.updateTask({ path: at(task.id), body: { completed: false } })
    expect(await complete(ann, task.id)).toMatchObject({ completed: true, nextOccurrenceId })
    await ann.deleteTask({ path: at(nextOccurrenceId as string) })
    await ann.updateTask({ path: at(task.id), body: { completed: false } })
    expect(await complete(ann, task.id)).toMatchObject({ completed: true, nextOccurrenceId })
    expect(await all(ann)).toHaveLength(1)
  })

  test('of a task that was restored from the trash creates the next one', async ({ as }) => {
    const ann = await as('ann')
    const task = await create(ann)
    await ann.deleteTask({ path: at(task.id) })
    expect((await ann.restoreFromTrash({ path: { itemId: task.id } }, 200)).body).toMatchObject({ recurrence: { ...daily, from: 'due' } })
    expect((await follow(ann, task.id)).dueDate).toBe('2527-03-02')
  })

  test('links a task that has the id of the next occurrence, also one in the trash', async ({ as }) => {
    const ann = await as('ann')
    const task = await create(ann)
    const next = await follow(ann, task.id)
    await ann.updateTask({ path: at(next.id), body: { title: 'Changed' } })
    for (const left of [1, 0]) {
      await ann.deleteTask({ path: at(task.id) })
      if (left === 0) await ann.deleteTask({ path: at(next.id) })
      expect((await ann.putTask({ path: at(task.id), body: task }, 201)).body).toMatchObject({ nextOccurrenceId: null, completed: false })
      expect(await complete(ann, task.id)).toMatchObject({ completed: true, nextOccurrenceId: next.id })
      expect((await all(ann)).map(each => each.title)).toEqual(left === 1 ? [title, 'Changed'] : [title])
    }
  })

  test('gives a subtask another id if its own is taken', async ({ as, service }) => {
    const ann = await as('ann')
    const task = await create(ann)
    const { body: below } = await ann.createTask({ body: { title: 'a', parentId: task.id } })
    await ann.createTask({ body: { title: 'b', parentId: below.id } })
    const next = await follow(ann, task.id)
    const [, copy] = await tree(ann, next.id)
    // Only the copy of the subtask is left, at another place.
    await ann.updateTask({ path: at((copy as Task).id), body: { parentId: null } })
    for (const id of [next.id, task.id]) await ann.deleteTask({ path: at(id) })
    await ann.purgeFromTrash({ path: { itemId: next.id } })
    await ann.restoreFromTrash({ path: { itemId: task.id } })
    await ann.updateTask({ path: at(below.id), body: { parentId: null } })
    await ann.deleteTask({ path: at(task.id) })
    await ann.putTask({ path: at(task.id), body: task }, 201)
    await ann.updateTask({ path: at(below.id), body: { parentId: task.id } })

    const again = await follow(ann, task.id)
    expect(again.id).toBe(next.id)
    const copies = await tree(ann, next.id)
    expect(copies.map(each => each.title)).toEqual([title, 'a', 'b'])
    expect(copies.map(each => each.id)).not.toContain((copy as Task).id)
    await expectTrees(service, ann.id)
  })
})

describe('tasks below', () => {
  test('all come back open, with dates and reminders as many days later', async ({ as, service }) => {
    const ann = await as('ann')
    const root = await create(ann, { recurrence: { rule: 'FREQ=WEEKLY' }, timeZone: 'Europe/Helsinki' })
    const dated = { dueDate: '2527-02-28', dueTime: '08:00', startDate: '2527-02-25', reminders: [{ at: '2527-02-28T05:00:00Z' }] }
    const { body: ticked } = await ann.createTask({ body: { title: 'ticked', parentId: root.id, completed: true, labels: ['x'] } })
    const { body: open } = await ann.createTask({ body: { title: 'unticked', parentId: root.id, ...dated } })
    await ann.createTask({ body: { title: 'deeper', parentId: open.id, deadlineDate: '9999-12-30' } })

    const done = await complete(ann, root.id)
    expect((await tree(ann, root.id)).map(({ completed, revision }) => [completed, revision])).toEqual([
      [true, done.revision],
      [true, ticked.revision],
      [true, done.revision],
      [true, done.revision],
    ])
    const copies = await tree(ann, done.nextOccurrenceId as string)
    expect(copies.map(each => [each.title, each.depth, each.completed, each.revision])).toEqual(
      [
        ['Water the plants', 0],
        ['ticked', 1],
        ['unticked', 1],
        ['deeper', 2],
      ].map(each => [...each, false, done.revision]),
    )
    expect(copies[1]).toMatchObject({ labels: ['x'], completedAt: null, dueDate: null })
    expect(copies[2]).toMatchObject({ dueDate: '2527-03-07', dueTime: '08:00', startDate: '2527-03-04' })
    expect(copies[2]?.reminders).toEqual([{ at: '2527-03-07T05:00:00Z', minutesBefore: null }])
    expect(copies[3]?.deadlineDate, 'the last day of the calendar').toBe('9999-12-31')
    await expectTrees(service, ann.id)
  })

  test('that recur get no next occurrence when the task above is completed, and are copied once', async ({ as, service }) => {
    const ann = await as('ann')
    const week = await create(ann, { title: 'week', recurrence: { rule: 'FREQ=WEEKLY' } })
    const day = await create(ann, { title: 'day', parentId: week.id, recurrence: { rule: 'FREQ=DAILY;COUNT=7' } })
    await ann.createTask({ body: { title: 'step', parentId: day.id } })
    const second = await follow(ann, day.id)
    const third = await follow(ann, second.id)
    expect((await tree(ann, week.id)).map(each => each.title)).toEqual(['week', 'day', 'day', 'day', 'step', 'step', 'step'])

    const done = await complete(ann, week.id)
    const copies = await tree(ann, done.nextOccurrenceId as string)
    expect(copies.map(({ title, dueDate, recurrence }) => [title, dueDate, recurrence?.rule])).toEqual([
      ['week', '2527-03-08', 'FREQ=WEEKLY'],
      ['day', '2527-03-08', 'FREQ=DAILY;COUNT=7'],
      ['step', null, undefined],
    ])
    const { body: last } = await ann.getTask({ path: { taskId: third.id } })
    expect(last).toMatchObject({ completed: true, nextOccurrenceId: null })
    await expectTrees(service, ann.id)
  })
})

describe('the quota', () => {
  async function fill({ sql }: Service, owner: string, count: number, deleted = 0) {
    await sql`
      insert into tasks (owner_id, id, title, priority, labels, revision, deleted_at)
      select ${owner}, lpad(n::text, 32, '0')::uuid, 'x', 'none', '{}', 1, case when n <= ${deleted}::int then now() end
      from generate_series(1, ${count}::int) as n`
    await sql`update users set revision = revision + ${count} where id = ${owner}`
  }

  test('needs room for all copies, and otherwise nothing changes', async ({ as, service }) => {
    const ann = await as('ann')
    const task = await create(ann)
    for (const name of ['a', 'b']) await ann.createTask({ body: { title: name, parentId: task.id } })
    await fill(service, ann.id, quotas.tasks - 5)
    const { etag } = await ann.listTasks()
    const { body } = await ann.updateTask({ path: at(task.id), body: { completed: true } }, 409)
    expect(body).toMatchObject({ type: '/problems/quota-exceeded', detail: expect.stringContaining('50,000 tasks') })
    await ann.listTasks({ headers: { 'If-None-Match': etag } }, 304)

    await ann.updateTask({ path: at(task.id), body: { completed: true, recurrence: null } }, 200)
    await ann.updateTask({ path: at(task.id), body: { completed: false, recurrence: daily } }, 200)
    await ann.deleteTask({ path: at('00000000-0000-0000-0000-000000000001') })
    expect(await tree(ann, (await complete(ann, task.id)).nextOccurrenceId as string)).toHaveLength(3)
    const [rows] = await service.sql`select count(*)::int from tasks where owner_id = ${ann.id}`
    expect(rows?.count).toBe(quotas.tasks)
    await ann.createTask({ body: { title: 'one more' } }, 409)
  })

  test('keeps the trash as it is when that would not suffice', async ({ as, service }) => {
    const ann = await as('ann')
    const task = await create(ann)
    for (const name of ['a', 'b']) await ann.createTask({ body: { title: name, parentId: task.id } })
    await fill(service, ann.id, quotas.tasks - 3, 2)
    await ann.updateTask({ path: at(task.id), body: { completed: true } }, 409)
    expect((await ann.listTrash()).body.items).toHaveLength(2)
  })
})

describe('skipping', () => {
  test('moves the task and everything below it to the next date, as one change', async ({ as, service }) => {
    const ann = await as('ann')
    const recurrence = { rule: 'FREQ=WEEKLY;COUNT=3' }
    const dated = { startDate: '2527-02-27', deadlineDate: '2527-03-05', reminders: [{ at: '2527-02-28T08:00:00Z' }, { minutesBefore: 5 }] }
    const task = await create(ann, { ...dated, recurrence, labels: ['x'] })
    await ann.createTask({ body: { title: 'ticked', parentId: task.id, completed: true, dueDate: '2527-02-28' } })
    const { body, etag } = await ann.skipTask({ path: at(task.id) }, 200)
    expect(body).toEqual({
      ...task,
      ...{ dueDate: '2527-03-08', startDate: '2527-03-06', deadlineDate: '2527-03-12' },
      reminders: [
        { at: '2527-03-07T08:00:00Z', minutesBefore: null },
        { at: null, minutesBefore: 5 },
      ],
      recurrence: { rule: 'FREQ=WEEKLY;COUNT=2', from: 'due' },
      ...{ revision: task.revision + 2, updatedAt: body.updatedAt },
    })
    expect((await ann.listTasks()).etag).toBe(etag)
    const [, below] = await tree(ann, task.id)
    expect(below).toMatchObject({ dueDate: '2527-03-07', completed: false, completedAt: null, revision: body.revision })
    expect((await ann.skipTask({ path: at(task.id) }, 200)).body.recurrence?.rule).toBe('FREQ=WEEKLY;COUNT=1')
    expect(codes(await ann.skipTask({ path: at(task.id) }, 409))).toEqual([['/taskId', 'lastOccurrence']])
    expect(await all(ann)).toHaveLength(2)
    await expectTrees(service, ann.id)
  })

  test('leaves the day out that a rule from completion would give again', async ({ as, service }) => {
    const ann = await as('ann')
    const recurrence = { rule: 'FREQ=DAILY', from: 'completion' } as const
    const ahead = await create(ann, { recurrence })
    expect((await ann.skipTask({ path: at(ahead.id) }, 200)).body.dueDate).toBe('2527-03-02')
    for (const dueDate of [null, '2020-01-01']) {
      const before = await today(service, 'UTC')
      const task = await create(ann, { dueDate, recurrence })
      const { body } = await ann.skipTask({ path: at(task.id) }, 200)
      expect([before, await today(service, 'UTC')].map(day => moveDate(day, 1))).toContain(body.dueDate)
    }
  })

  test('is refused for tasks without a rule, completed tasks and unknown tasks', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const { body: plain } = await ann.createTask({ body: { title } })
    expect(codes(await ann.skipTask({ path: at(plain.id) }, 409))).toEqual([['/taskId', 'notRecurring']])
    const task = await create(ann)
    await complete(ann, task.id)
    expect(codes(await ann.skipTask({ path: at(task.id) }, 409))).toEqual([['/taskId', 'completed']])
    await ann.skipTask({ path: at(randomUUID()) }, 404)
    await ann.skipTask({ path: at('1') }, 422)
    await bob.skipTask({ path: at(task.id) }, 404)
    await bob.skipTask({ path: { userId: ann.id, ...at(task.id) } }, 403)
    await ann.deleteTask({ path: at(task.id) })
    await ann.skipTask({ path: at(task.id) }, 404)
  })

  test('keeps to the conditions', async ({ as }) => {
    const ann = await as('ann')
    const task = await create(ann)
    const path = at(task.id)
    const etag = `"${task.revision}"`
    await ann.skipTask({ path, headers: { 'If-Match': '"1"' } }, 412)
    await ann.skipTask({ path, headers: { 'If-None-Match': etag } }, 412)
    await ann.skipTask({ path, headers: { 'If-None-Match': '*' } }, 412)
    await ann.skipTask({ path: at(randomUUID()), headers: { 'If-Match': '*' } }, 404)
    expect(await read(ann, task.id)).toEqual(task)
    await ann.skipTask({ path, headers: { 'If-Match': etag } }, 200)
    await ann.skipTask({ path, headers: { 'If-Match': etag } }, 412)
    expect((await read(ann, task.id)).dueDate).toBe('2527-03-02')
  })
})

describe('races', () => {
  test('of eight writers that complete a task leave one next occurrence', async ({ as, service }) => {
    const ann = await as('ann')
    const task = await create(ann)
    await ann.createTask({ body: { title: 'a', parentId: task.id } })
    const { id: _, revision: __, ...fields } = task
    const writers = Array.from({ length: 8 }, (_, i) =>
      i % 2 === 0
        ? tried(ann, 'PATCH', task.id, { completed: true })
        : tried(ann, 'PUT', task.id, { ...fields, completed: true, title: `${i}` }),
    )
    expect(await Promise.all(writers)).toEqual(Array(8).fill(200))
    const tasks = await all(ann)
    expect(tasks).toHaveLength(4)
    const { nextOccurrenceId } = await read(ann, task.id)
    expect(tasks.filter(each => !each.completed && each.depth === 0).map(({ id }) => id)).toEqual([nextOccurrenceId])
    await expectTrees(service, ann.id)
  })

  test('of completing and deleting leave both or none', async ({ as, service }) => {
    const ann = await as('ann')
    for (let round = 0; round < 10; round++) {
      const task = await create(ann, { dueDate: `2527-03-${round + 10}` })
      const [completed, deleted] = await Promise.all([tried(ann, 'PATCH', task.id, { completed: true }), tried(ann, 'DELETE', task.id)])
      expect([200, 404]).toContain(completed)
      expect(deleted).toBe(204)
      const tasks = await all(ann)
      expect(tasks).toHaveLength(completed === 200 ? 1 : 0)
      for (const { id } of tasks) await ann.deleteTask({ path: at(id) })
    }
    await expectTrees(service, ann.id)
  })

  test('of completing and skipping take one after the other', async ({ as }) => {
    const ann = await as('ann')
    for (let round = 0; round < 10; round++) {
      const task = await create(ann)
      const [completed, skipped] = await Promise.all([
        tried(ann, 'PATCH', task.id, { completed: true }),
        tried(ann, 'POST', `${task.id}/skip`),
      ])
      expect(completed).toBe(200)
      expect([200, 409]).toContain(skipped)
      const done = await read(ann, task.id)
      const next = await read(ann, done.nextOccurrenceId as string)
      const dates = skipped === 200 ? ['2527-03-02', '2527-03-03'] : ['2527-03-01', '2527-03-02']
      expect([done.dueDate, next.dueDate]).toEqual(dates)
    }
    expect(await all(ann)).toHaveLength(20)
  })
})
