// The import of an account: its three forms, each way in which a row is refused, and files that end early.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, onTestFinished } from 'vitest'
import { groupSize } from '../../src/domain/import/group.ts'
import { type Client, client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { exportFile, importFile, lines, numbers, types } from '../support/import.ts'
import { type Service, start, test, tokenOf } from '../support/taskspec.ts'

type Person = Client & { id: string }

const example = (name: string) => readFileSync(new URL(`../exchange/files/${name}`, import.meta.url), 'utf8')
const listed = async (user: Client) => (await user.listTasks({ query: { limit: 100, sort: 'createdAt' } })).body.items
const task = (fields: object = {}) => ({ kind: 'task', id: randomUUID(), title: 'Pack', ...fields })

/** Imports after a dry run, which must say the same and change nothing. */
async function imported(user: Client, file: string, form: keyof typeof types = 'ndjson') {
  const before = (await user.listTasks()).etag
  const dry = await importFile(user, file, form, { dryRun: true })
  expect((await user.listTasks()).etag).toBe(before)
  const report = await importFile(user, file, form)
  expect({ ...dry, dryRun: false }).toEqual(report)
  return report
}

describe('importAccount', () => {
  test('puts profile, categories and tasks, and keeps what only the server writes', async ({ as }) => {
    const ann = await as('ann', { email: 'ann@example.com' })
    const home = { kind: 'category', id: randomUUID(), name: 'Home', color: '#1971c2', position: 3, sortKey: 'h0000000300000000000011' }
    const instants = { createdAt: '2020-02-29T12:00:00.000001Z', updatedAt: '2021-01-01T00:00:00Z' }
    const next = randomUUID()
    const done = task({
      categoryId: home.id,
      completed: true,
      completedAt: '2022-03-04T05:06:07.8Z',
      nextOccurrenceId: next,
      sortKey: 'a1',
      ...instants,
    })
    const file = lines(
      { kind: 'profile', id: 'someone', email: 'x@example.com', name: 'Ann', timeZone: 'Europe/Helsinki', ...instants },
      home,
      done,
    )
    expect(await imported(ann, file)).toEqual({
      ...{ dryRun: false, created: 2, updated: 1, unchanged: 0, failed: 0, isComplete: true, errors: [], hasMoreErrors: false },
    })
    expect((await ann.getUser()).body).toMatchObject({
      id: ann.id,
      email: 'ann@example.com',
      name: 'Ann',
      timeZone: 'Europe/Helsinki',
      ...instants,
    })
    const { kind: _, ...row } = done
    expect((await ann.getTask({ path: { taskId: done.id } })).body).toMatchObject({ ...row, depth: 0 })
    expect((await ann.getCategory({ path: { categoryId: home.id } })).body).toMatchObject({ name: 'Home', position: 3, color: '#1971c2' })
    const { etag } = await ann.listTasks()
    expect(numbers(await imported(ann, file))).toEqual([0, 0, 3, 0])
    expect((await ann.listTasks()).etag).toBe(etag)
  })

  test('replaces what is there, revives what is deleted, and counts each change of the account', async ({ as }) => {
    const ann = await as('ann')
    const { body: kept } = await ann.createTask({ body: { title: 'Old', labels: ['x'] } })
    const { body: gone } = await ann.createTask({ body: { title: 'Gone' } })
    await ann.deleteTask({ path: { taskId: gone.id } })
    const before = Number((await ann.listTasks()).etag.slice(1, -1))
    const report = await imported(ann, lines(task({ id: kept.id, title: 'New' }), task({ id: gone.id, title: 'Back' }), task()))
    expect(numbers(report)).toEqual([2, 1, 0, 0])
    expect((await listed(ann)).map(({ title, labels }) => [title, labels])).toEqual(
      expect.arrayContaining([
        ['New', []],
        ['Back', []],
        ['Pack', []],
      ]),
    )
    expect(Number((await ann.listTasks()).etag.slice(1, -1))).toBe(before + 3)
    expect((await ann.listTrash()).body.items).toEqual([])
  })

  test('takes subtasks before and after their parents, and completes nothing but what the file says', async ({ as }) => {
    const ann = await as('ann')
    const [top, middle, leaf] = [randomUUID(), randomUUID(), randomUUID()]
    const file = lines(
      task({ id: leaf, parentId: middle, title: 'Leaf' }),
      task({ id: middle, parentId: top, title: 'Middle' }),
      task({ id: top, title: 'Top', completed: true, dueDate: '2027-03-01', recurrence: { rule: 'FREQ=DAILY' } }),
    )
    expect(numbers(await imported(ann, file))).toEqual([3, 0, 0, 0])
    const { body } = await ann.getTaskTree({ path: { taskId: top } })
    expect(body.items.map(({ title, depth, completed }) => [title, depth, completed])).toEqual([
      ['Top', 0, true],
      ['Middle', 1, false],
      ['Leaf', 2, false],
    ])
    expect(numbers(await imported(ann, file))).toEqual([0, 0, 3, 0])
  })

  test('moves a task with what is below it, and refuses places that a change would refuse', async ({ as }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    const { body: top } = await ann.createTask({ body: { title: 'Top', categoryId: home.id } })
    const { body: parent } = await ann.createTask({ body: { title: 'Parent' } })
    const { body: child } = await ann.createTask({ body: { title: 'Child', parentId: parent.id } })
    expect(numbers(await imported(ann, lines(task({ id: parent.id, title: 'Parent', parentId: top.id }))))).toEqual([0, 1, 0, 0])
    expect((await ann.getTask({ path: { taskId: child.id } })).body).toMatchObject({ depth: 2, categoryId: home.id })
    const [first, second, self] = [randomUUID(), randomUUID(), randomUUID()]
    const report = await imported(
      ann,
      lines(
        task({ id: top.id, title: 'Top', parentId: child.id, categoryId: null }),
        task({ parentId: top.id, categoryId: randomUUID() }),
        task({ id: first, parentId: second }),
        task({ id: second, parentId: first }),
        task({ id: self, parentId: self }),
        task({ parentId: randomUUID() }),
      ),
    )
    expect(report.errors.map(({ line, place, reason }) => [line, place, reason.slice(0, 40)])).toEqual([
      [1, 'parentId', 'must not be the task itself or one below'],
      [5, 'parentId', 'must not be the task itself or one below'],
      [2, 'categoryId', 'must be the id of one of your categories'],
      [3, 'parentId', 'must not be the task itself or one below'],
      [4, 'parentId', 'must not be the task itself or one below'],
      [6, 'parentId', 'must be the id of one of your tasks, or '],
    ])
    expect(numbers(report)).toEqual([0, 0, 0, 6])
  })

  test('refuses a ninth level, and what is below it', async ({ as }) => {
    const ann = await as('ann')
    const ids = Array.from({ length: 10 }, () => randomUUID())
    const report = await imported(ann, lines(...ids.map((id, depth) => task({ id, parentId: ids[depth - 1] ?? null }))))
    expect(numbers(report)).toEqual([8, 0, 0, 2])
    expect(report.errors.map(({ line, place }) => [line, place])).toEqual([
      [9, 'parentId'],
      [10, 'parentId'],
    ])
  })

  test('says line, place and reason of every error, and imports the other rows', async ({ as }) => {
    const ann = await as('ann')
    const file = [
      '{"kind":"task","title":""}',
      'x',
      '{"kind":"note"}',
      JSON.stringify(task({ title: 'Good' })),
      JSON.stringify(task({ dueDate: '2027-13-01', labels: [5] })),
      JSON.stringify(task({ id: 'no-uuid' })),
      JSON.stringify(task({ dueDate: '2027-03-01', recurrence: { rule: 'FREQ=HOURLY' } })),
      JSON.stringify(task({ createdAt: '1969-12-31T00:00:00Z' })),
      JSON.stringify(task({ completed: true, completedAt: '2027-03-01T24:00:00Z' })),
    ].join('\n')
    const report = await imported(ann, file)
    expect(numbers(report)).toEqual([1, 0, 0, 8])
    expect(report.errors.map(({ line, place }) => [line, place])).toEqual([
      [1, 'title'],
      [2, null],
      [3, 'kind'],
      [5, 'dueDate'],
      [5, 'labels/0'],
      [6, 'id'],
      [7, 'recurrence/rule'],
      [8, 'createdAt'],
      [9, 'completedAt'],
    ])
    for (const { reason } of report.errors) expect(reason).toMatch(/^\S.{5,}/)
  })

  test('refuses a category with the name of another one, and takes one that comes after its tasks', async ({ as }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    const [work, other] = [randomUUID(), randomUUID()]
    const category = (id: string, name: string) => ({ kind: 'category', id, name })
    const report = await imported(
      ann,
      lines(
        task({ categoryId: work }),
        category(other, 'HOME'),
        category(work, 'Work'),
        task({ categoryId: other }),
        category(home.id, 'House'),
      ),
    )
    expect(report.errors).toMatchObject([
      { line: 2, place: 'name' },
      { line: 4, place: 'categoryId' },
    ])
    expect(numbers(report)).toEqual([2, 1, 0, 2])
    expect(numbers(await imported(ann, lines(category(other, 'Home'), task({ categoryId: other }))))).toEqual([2, 0, 0, 0])
  })

  test('the last row of an id counts', async ({ as }) => {
    const ann = await as('ann')
    const id = randomUUID()
    const many = Array.from({ length: 450 }, (_, i) => task({ title: `Task ${i}` }))
    const report = await imported(
      ann,
      lines(task({ id, title: 'First' }), ...many, task({ id, title: 'Second' }), task({ id, title: 'Last' })),
    )
    expect(numbers(report)).toEqual([451, 0, 0, 0])
    expect((await ann.getTask({ path: { taskId: id } })).body.title).toBe('Last')
  })

  test('takes what a whole group of rows has waited for', async ({ as }) => {
    const ann = await as('ann')
    const [categoryId, parentId] = [randomUUID(), randomUUID()]
    const many = (fields: object) => Array.from({ length: groupSize }, () => task(fields))
    const file = lines(
      ...many({ categoryId }),
      { kind: 'category', id: categoryId, name: 'Work' },
      ...many({ parentId }),
      task({ id: parentId }),
    )
    expect(numbers(await imported(ann, file))).toEqual([2 * groupSize + 2, 0, 0, 0])
  })

  test('the last row of an id counts, also when an earlier one waits', async ({ as }) => {
    const ann = await as('ann')
    const [first, second, third, parentId] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
    const others = Array.from({ length: groupSize }, () => task())
    const below = [first, second].map(id => task({ id, title: 'Earlier', parentId }))
    const orphan = task({ id: third, title: 'Earlier', parentId: randomUUID() })
    const later = [task({ id: first, title: 'Later', parentId }), task({ id: second, title: 'Later' }), task({ id: third, title: 'Later' })]
    const file = lines(...below, orphan, ...others, ...later, task({ id: parentId, title: 'Parent' }))
    expect(numbers(await imported(ann, file))).toEqual([groupSize + 4, 0, 0, 0])
    for (const [id, parent] of [
      [first, parentId],
      [second, null],
      [third, null],
    ] as const)
      expect((await ann.getTask({ path: { taskId: id } })).body).toMatchObject({ title: 'Later', parentId: parent })
  })

  test('refuses an instant that no row can have', async ({ as }) => {
    const ann = await as('ann')
    const wrong = ['2027-01-01T00:00:00.1234567890Z', '2099-12-31T23:59:59.9999999Z', '1969-12-31T23:59:59Z']
    const report = await imported(ann, lines(...wrong.map(createdAt => task({ createdAt }))))
    expect(report.errors.map(({ line, place }) => [line, place])).toEqual([1, 2, 3].map(line => [line, 'createdAt']))
  })

  test('is the same whatever another user has under these ids', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const file = lines(task())
    expect(numbers(await importFile(ann, file))).toEqual([1, 0, 0, 0])
    expect(numbers(await importFile(bob, file))).toEqual([1, 0, 0, 0])
  })

  test('needs a token, that of the owner, and a media type that it takes', async ({ as, anonymous }) => {
    const ann = await as('ann')
    const file = { body: lines(task()), type: types.ndjson }
    await anonymous.importAccount(file, 401)
    await ann.importAccount({ ...file, path: { userId: 'bob' } }, 403)
    await ann.importAccount({ ...file, type: 'application/json' }, 415)
    await ann.importAccount({ ...file, query: { dryRun: 'maybe' as never } }, 422)
    await ann.importAccount({}, 422)
    const tooLarge = await ann.importAccount({ ...file, body: 'x'.repeat(32 * 1024 * 1024 + 1) }, 413)
    expect(tooLarge.body.detail).toBe('The body exceeds 32 MiB.')
  })

  test('a dry run makes no account', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    expect(numbers(await importFile(ann, lines({ kind: 'profile', name: 'Ann' }, task()), 'ndjson', { dryRun: true }))).toEqual([
      1, 1, 0, 0,
    ])
    expect(await sql`select from users where id = ${ann.id}`).toHaveLength(0)
  })
})

describe('CSV', () => {
  test('with a title alone is enough, and the same file changes nothing', async ({ as }) => {
    const ann = await as('ann')
    const file = 'Title,category,labels\r\nBuy milk,Shopping,"a, b"\r\nBuy milk,shopping,"a, b"\r\nRest,,\r\n'
    expect(numbers(await imported(ann, file, 'csv'))).toEqual([4, 0, 0, 0])
    const { body: categories } = await ann.listCategories()
    expect(categories.items.map(({ name }) => name)).toEqual(['Shopping'])
    expect(numbers(await imported(ann, file, 'csv'))).toEqual([0, 0, 3, 0])
    await ann.updateCategory({ path: { categoryId: categories.items[0]?.id as string }, body: { name: 'Errands' } })
    expect(numbers(await imported(ann, file, 'csv'))).toEqual([0, 0, 3, 0])
  })

  test('of Todoist', async ({ as }) => {
    const ann = await as('ann')
    const report = await imported(ann, example('todoist.csv'), 'csv')
    expect(report.created).toBeGreaterThan(3)
    expect(report.isComplete).toBe(true)
    expect((await imported(ann, example('todoist.csv'), 'csv')).created).toBe(0)
  })

  test('of an unknown kind is refused as a whole', async ({ as }) => {
    const report = await imported(await as('ann'), 'a,b\n1,2\n', 'csv')
    expect(report).toMatchObject({ created: 0, failed: 0, isComplete: false, errors: [{ line: 1, place: 'title' }] })
  })

  test('counts a record once, whatever is wrong in it', async ({ as }) => {
    const report = await imported(await as('ann'), 'title,completed,durationMinutes\nPack,perhaps,long\nRest,,\n', 'csv')
    expect(numbers(report)).toEqual([1, 0, 0, 1])
    expect(report.errors.map(({ place }) => place)).toEqual(['completed', 'durationMinutes'])
  })

  test('says which category it could not make', async ({ as }) => {
    const report = await imported(await as('ann'), `title,category\nPack,${'x'.repeat(101)}\n`, 'csv')
    expect(report).toMatchObject({ created: 0, failed: 1, errors: [{ line: 2, place: 'category' }] })
  })
})

describe('VTODO', () => {
  test.for(['apple', 'nextcloud', 'tasks-org', 'thunderbird', 'evolution'])('of %s, again and again', async (name, { as }) => {
    const ann = await as('ann')
    const report = await imported(ann, example(`${name}.ics`), 'ics')
    expect(report.created).toBeGreaterThan(0)
    expect(report.isComplete).toBe(true)
    const again = await imported(ann, example(`${name}.ics`), 'ics')
    expect([again.created, again.updated]).toEqual([0, 0])
    expect(again.errors).toEqual(report.errors)
  })

  test('counts a component once, whatever is wrong in it', async ({ as }) => {
    const todo = (...lines: string[]) => ['BEGIN:VTODO', ...lines, 'END:VTODO'].join('\r\n')
    const calendar = ['BEGIN:VCALENDAR', todo('SUMMARY:Pack', 'PRIORITY:x', 'DUE:soon'), todo('SUMMARY:Rest'), 'END:VCALENDAR', ''].join(
      '\r\n',
    )
    const report = await imported(await as('ann'), calendar, 'ics')
    expect(numbers(report)).toEqual([1, 0, 0, 1])
    expect(report.errors.map(({ line, place }) => [line, place])).toEqual([
      [5, 'DUE'],
      [4, 'PRIORITY'],
    ])
  })

  test('has no parent if that is in another file, and a cycle is refused', async ({ as }) => {
    const ann = await as('ann')
    const todo = (uid: string, parent: string) => `BEGIN:VTODO\r\nUID:${uid}\r\nSUMMARY:${uid}\r\nRELATED-TO:${parent}\r\nEND:VTODO\r\n`
    const calendar = (...todos: string[]) => `BEGIN:VCALENDAR\r\n${todos.join('')}END:VCALENDAR\r\n`
    const report = await imported(ann, calendar(todo('leaf', 'child'), todo('child', 'other'), todo('a', 'b'), todo('b', 'a')), 'ics')
    expect(numbers(report)).toEqual([2, 0, 0, 2])
    expect(report.errors.map(({ line }) => line)).toEqual([7, 12, 17])
    expect((await listed(ann)).map(({ title, depth }) => [title, depth]).sort()).toEqual([
      ['child', 0],
      ['leaf', 1],
    ])
    expect(numbers(await imported(ann, calendar(todo('other', '')), 'ics'))).toEqual([1, 0, 0, 0])
    expect(numbers(await imported(ann, calendar(todo('child', 'other')), 'ics'))).toEqual([0, 1, 0, 0])
    expect((await listed(ann)).find(({ title }) => title === 'leaf')?.depth).toBe(2)
  })
})

describe('quotas', () => {
  /** An account that is almost full. */
  async function almostFull({ id }: Person, { sql }: Service, free: number) {
    await sql`
      insert into tasks (owner_id, id, title, priority, labels, revision)
      select ${id}, gen_random_uuid(), 'x', 'none', '{}', 1 from generate_series(1, ${50_000 - free}::int)`
    await sql`update users set revision = start_revision + 60000 where id = ${id}`
  }

  test('are an error of each row without room', { timeout: 120_000 }, async ({ as, service }) => {
    const ann = await as('ann')
    await ann.getUser()
    await almostFull(ann, service, 3)
    const report = await imported(ann, lines(...Array.from({ length: 300 }, () => task())))
    expect(numbers(report)).toEqual([3, 0, 0, 297])
    expect(report.errors.map(({ line }) => line)).toEqual(Array.from({ length: 297 }, (_, i) => i + 4))
    expect(report.errors[0]?.reason).toBe('The account has reached its limit of tasks.')
  })

  test('of categories too', async ({ as }) => {
    const ann = await as('ann')
    const categories = Array.from({ length: 1003 }, (_, i) => ({ kind: 'category', id: randomUUID(), name: `Category ${i}` }))
    const report = await imported(ann, lines(...categories))
    expect(numbers(report)).toEqual([1000, 0, 0, 3])
    const named = await imported(ann, 'title,category\nPack,Another\n', 'csv')
    expect(named.errors).toMatchObject([{ line: 2, place: 'category', reason: 'The account has reached its limit of categories.' }])
  })

  test('count what is in the trash as free', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    await ann.getUser()
    await sql`
      insert into categories (owner_id, id, name, position, revision, deleted_at)
      select ${ann.id}, gen_random_uuid(), 'x', 0, 1, now() from generate_series(1, 1000)`
    await sql`update users set revision = start_revision + 2000 where id = ${ann.id}`
    const categories = Array.from({ length: 30 }, (_, i) => ({ kind: 'category', id: randomUUID(), name: `Category ${i}` }))
    expect(numbers(await imported(ann, lines(...categories)))).toEqual([30, 0, 0, 0])
  })
})

test('others write meanwhile: every row is there, and so is every other change', { timeout: 120_000 }, async ({ as }) => {
  const ann = await as('ann')
  const ids = Array.from({ length: 600 }, () => randomUUID())
  const file = lines(...ids.map((id, i) => task({ id, parentId: i % 2 === 1 ? ids[i - 1] : null })))
  let isOver = false
  async function write() {
    let count = 0
    for (; !isOver; count++) await eventually(() => ann.createTask({ body: { title: 'Meanwhile' } }))
    return count
  }
  const writing = write()
  const first = await eventually(() => importFile(ann, file))
  isOver = true
  const count = await writing
  expect(first.created + first.unchanged).toBe(600)
  expect(numbers(await importFile(ann, file))).toEqual([0, 0, 600, 0])
  expect((await ann.getSummary()).body.open).toBe(600 + count)
})

describe('a file that is no use', () => {
  /** A server that tells the statements sent. */
  async function observed(databaseUrl: string) {
    const statements: string[] = []
    const server = await start({ databaseUrl, observe: text => statements.push(text), timeouts: { databaseFactor: 10 } })
    onTestFinished(server.stop)
    return { statements, user: client(server.url, await tokenOf(randomUUID())) }
  }

  test('with errors only is read until there are too many, and costs no statements', async ({ service }) => {
    const { user, statements } = await observed(service.databaseUrl)
    const report = await importFile(user, 'x\n'.repeat(1_000_000))
    expect(report).toMatchObject({ failed: 10_000, isComplete: false, hasMoreErrors: true })
    expect(report.errors).toHaveLength(1000)
    expect(report.errors.at(-1)).toMatchObject({ line: 10_001, reason: 'There are too many errors.' })
    expect(statements.length).toBeLessThan(10)
  })

  test('with one line, without an end, is read no further than a line may be', async ({ service }) => {
    const { user } = await observed(service.databaseUrl)
    const report = await importFile(user, `{"kind":"task","title":"${'x'.repeat(8 * 1024 * 1024)}"}`)
    expect(report).toMatchObject({ created: 0, isComplete: false, errors: [{ line: 1 }] })
  })

  test('with the same task again and again writes it once for each group', { timeout: 120_000 }, async ({ service }) => {
    const { user, statements } = await observed(service.databaseUrl)
    const id = randomUUID()
    const report = await importFile(user, lines(...Array.from({ length: 2_000 }, (_, i) => task({ id, title: `Task ${i}` }))))
    expect(numbers(report)).toEqual([1, 0, 0, 0])
    expect(statements.length).toBeLessThan(60)
  })
})

test('an export that is imported into an empty account and exported again is the same, byte for byte', async ({ as }) => {
  const ann = await as('ann', { email: 'ann@example.com', name: 'Ann' })
  const { body: home } = await ann.createCategory({ body: { name: 'Home', position: 5 } })
  await ann.createCategory({ body: { name: 'Work' } })
  const { body: top } = await ann.createTask({ body: { title: 'Top', categoryId: home.id } })
  await ann.createTask({ body: { title: 'Child', parentId: top.id, reminders: [{ at: '2027-03-01T08:00:00Z' }] } })
  const { body: chore } = await ann.createTask({ body: { title: 'Chore', dueDate: '2027-03-01', recurrence: { rule: 'FREQ=WEEKLY' } } })
  await ann.updateTask({ path: { taskId: chore.id }, body: { completed: true } })
  await ann.moveTask({ path: { taskId: top.id }, body: {} })
  const file = await exportFile(ann)
  await ann.deleteUser()
  expect(numbers(await imported(ann, file))).toEqual([6, 1, 0, 0])
  expect(await exportFile(ann)).toBe(file)
})
