import { randomUUID } from 'node:crypto'
import { describe, expect } from 'vitest'
import type { Input } from '../support/client.ts'
import { test } from '../support/taskspec.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/
type Sort = NonNullable<NonNullable<Input<'listTasks'>['query']>['sort']>

const unknownId = '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12'

describe('createTask', () => {
  test('requires only a title and returns every field and the Location', async ({ as }) => {
    const ann = await as('ann')
    const { headers, body } = await ann.createTask({ body: { title: 'Pack' } })

    expect(body).toEqual({
      id: expect.stringMatching(uuid),
      title: 'Pack',
      description: null,
      completed: false,
      completedAt: null,
      priority: 'none',
      categoryId: null,
      parentId: null,
      depth: 0,
      sortKey: expect.any(String),
      dueDate: null,
      dueTime: null,
      startDate: null,
      deadlineDate: null,
      durationMinutes: null,
      timeZone: null,
      labels: [],
      reminders: [],
      recurrence: null,
      nextOccurrenceId: null,
      revision: expect.any(Number),
      createdAt: expect.any(String),
      updatedAt: body.createdAt,
    })
    expect(headers.get('location')).toBe(`/v1/users/${ann.id}/tasks/${body.id}`)
    expect((await ann.getTask({ path: { taskId: body.id } })).body).toEqual(body)
  })

  test('keeps every field as it was sent', async ({ as }) => {
    const ann = await as('ann')
    const { body: category } = await ann.createCategory({ body: { name: 'Travel' } })
    const sent = {
      title: 'Fähre 🚢 buchen \u202eabc',
      description: 'Zwei\nZeilen',
      completed: true,
      priority: 'high' as const,
      categoryId: category.id,
      sortKey: 'a0V',
      dueDate: '2028-02-29',
      dueTime: '23:59',
      startDate: '9999-12-31',
      deadlineDate: '0001-01-01', // no order is required
      durationMinutes: 525_600,
      timeZone: 'Europe/Helsinki',
      labels: ['a', 'ä "quoted", {braced}', 'NULL', '\\'],
      reminders: [
        { at: null, minutesBefore: 525_600 },
        { at: '2027-03-01T08:00:00.000Z', minutesBefore: null },
      ],
    }
    const { body } = await ann.createTask({ body: sent })

    expect(body).toEqual({ ...body, ...sent, completedAt: body.createdAt })
  })

  test('accepts values of maximum length and refuses longer ones', async ({ as }) => {
    const ann = await as('ann')
    const texts = { title: '😀'.repeat(500), description: '😀'.repeat(10_000) }
    const labels = Array.from({ length: 50 }, (_, i) => [...`${i}`.padEnd(4, '.'), ...Array(46).fill('😀')].join(''))
    const { body } = await ann.createTask({ body: { ...texts, labels } })
    expect(body).toMatchObject({ title: texts.title, description: texts.description, labels })
    expect((await ann.listTasks({ query: { sort: 'title' } })).body.items).toEqual([body])

    const { body: problem } = await ann.createTask(
      { body: { title: `${texts.title}.`, description: `${texts.description}.`, labels: [...labels, `${'x'.repeat(51)}`] } },
      422,
    )
    expect(problem.errors.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/title', 'maxLength'],
      ['/description', 'maxLength'],
      ['/labels', 'maxItems'],
      ['/labels/50', 'maxLength'],
    ])
  })

  test('reports all errors in one reply, each with its pointer', async ({ as }) => {
    const ann = await as('ann')
    const body = {
      title: ' ',
      prioritee: 'high',
      priority: 'urgent',
      dueDate: '2027-02-29',
      timeZone: 'Mars/Olympus',
      labels: ['x', 'x'],
      'a/b~c': 1,
    }
    const { body: problem } = await ann.createTask({ body: body as never }, 422)

    expect(problem.detail).toBe('The request breaks the schema in 7 places.')
    expect(new Set(problem.errors.map(({ location, pointer, code }) => `${location} ${pointer} ${code}`))).toEqual(
      new Set([
        'body /prioritee unknown',
        'body /a~1b~0c unknown',
        'body /title pattern',
        'body /priority enum',
        'body /dueDate format',
        'body /timeZone format',
        'body /labels uniqueItems',
      ]),
    )
  })

  test.for([
    ['NUL in the title', { title: 'a\0b' }, '/title'],
    ['NUL in the description', { title: 'a', description: '\0' }, '/description'],
    ['NUL in a label', { title: 'a', labels: ['a\0'] }, '/labels/0'],
    ['a lone surrogate in the title', { title: 'a\ud800b' }, '/title'],
    ['a lone surrogate in the description', { title: 'a', description: '\udfff' }, '/description'],
    ['a lone surrogate in a label', { title: 'a', labels: ['\ud800'] }, '/labels/0'],
    ['a title of spaces beyond ASCII', { title: '\u00a0\u3000\u2028' }, '/title'],
    ['a title of invisible characters', { title: '\u200b\u2060\u3164\u202e' }, '/title'],
    ['a title of control characters', { title: '\u0001\u007f' }, '/title'],
    ['a label of invisible characters', { title: 'a', labels: ['\ufeff\u00ad'] }, '/labels/0'],
    ['a title of Hangul fillers and Braille blanks', { title: '\u3164\u2800' }, '/title'],
    ['a year that PostgreSQL does not support', { title: 'a', dueDate: '0000-01-01' }, '/dueDate'],
    ['a time without a date', { title: 'a', dueTime: '10:00' }, '/dueDate'],
    ['a time with the date cleared', { title: 'a', dueTime: '10:00', dueDate: null }, '/dueDate'],
    ['an unknown category', { title: 'a', categoryId: unknownId }, '/categoryId'],
    ['a completed that is no boolean', { title: 'a', completed: 'true' }, '/completed'],
    ['an array', [], ''],
    ['null', null, ''],
    ['no title', {}, '/title'],
    ['__proto__', JSON.parse('{"title":"a","__proto__":{"x":1}}'), '/__proto__'],
  ] as const)('refuses %s', async ([, body, pointer], { as }) => {
    const ann = await as('ann')
    const problem = (await ann.createTask({ body: body as never }, 422)).body
    expect(problem.errors.map(error => error.pointer)).toContain(pointer)
    expect((await ann.listTasks()).body.items).toEqual([])
  })

  test('reports a text once, as a pattern or else as a format', async ({ as }) => {
    const ann = await as('ann')
    const { body } = await ann.createTask({ body: { title: ' ', description: 'a\0', labels: ['\ud800', '\u200b', 'a\0\ud800'] } }, 422)
    const [visible, text] = ['must have a visible character, and no NUL', 'must have a visible character, and no lone surrogate']
    expect(new Set(body.errors.map(({ pointer, code, message }) => `${pointer} ${code}: ${message}`))).toEqual(
      new Set([
        `/title pattern: ${visible}`,
        '/description pattern: must have no NUL',
        `/labels/0 format: ${text}`,
        `/labels/1 format: ${text}`,
        `/labels/2 pattern: ${visible}`,
      ]),
    )
  })

  test('refuses a category of another user', async ({ as }) => {
    const [ann, bob] = [await as('ann'), await as('bob')]
    const { body: category } = await bob.createCategory({ body: { name: 'Work' } })
    const { body } = await ann.createTask({ body: { title: 'a', categoryId: category.id } }, 422)
    expect(body.errors).toEqual([{ pointer: '/categoryId', location: 'body', code: 'notFound', message: expect.any(String) }])
  })

  test('refuses a deleted category', async ({ as }) => {
    const ann = await as('ann')
    const { body: category } = await ann.createCategory({ body: { name: 'Work' } })
    await ann.deleteCategory({ path: { categoryId: category.id } })
    await ann.createTask({ body: { title: 'a', categoryId: category.id } }, 422)
  })

  test('eight concurrent first contacts all succeed, with consecutive revisions', async ({ as }) => {
    const ann = await as('ann')
    const replies = await Promise.all(Array.from({ length: 8 }, (_, i) => ann.createTask({ body: { title: `${i}` } })))
    const revisions = replies.map(({ body }) => body.revision).sort((a, b) => a - b)
    const first = revisions[0] as number
    expect(revisions).toEqual(Array.from({ length: 8 }, (_, i) => first + i))
    expect((await ann.listTasks()).etag).toBe(`"${first + 7}"`)
  })
})

describe('getTask', () => {
  test('returns 304 for its ETag, in every form of the header', async ({ as }) => {
    const ann = await as('ann')
    const { body: task, etag } = await ann.createTask({ body: { title: 'a' } })
    for (const header of [etag, `W/${etag}`, `"x", ${etag}`, '*'])
      expect((await ann.getTask({ path: { taskId: task.id }, headers: { 'If-None-Match': header } }, 304)).etag).toBe(etag)
    await ann.getTask({ path: { taskId: task.id }, headers: { 'If-None-Match': '"0"' } }, 200)
  })

  test('returns 404 for an unknown id and 422 for a malformed id', async ({ as }) => {
    const ann = await as('ann')
    await ann.getTask({ path: { taskId: unknownId } }, 404)
    const { body } = await ann.getTask({ path: { taskId: 'x' } }, 422)
    expect(body.errors).toContainEqual({ location: 'path', pointer: '/taskId', code: 'format', message: 'must match format "uuid"' })
  })
})

describe('updateTask', () => {
  test('changes the fields that were sent and nothing else', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'Pack', dueDate: '2027-03-01', labels: ['x'] } })
    const { body } = await ann.updateTask({ path: { taskId: task.id }, body: { completed: true } })
    expect(body).toEqual({
      ...task,
      completed: true,
      completedAt: body.updatedAt,
      revision: task.revision + 1,
      updatedAt: expect.any(String),
    })
    expect(body.updatedAt > task.updatedAt).toBe(true)
  })

  test('clears with null', async ({ as }) => {
    const ann = await as('ann')
    const full = {
      title: 'a',
      description: 'b',
      dueDate: '2027-03-01',
      dueTime: '10:00',
      timeZone: 'UTC',
      completed: true,
      startDate: '2027-02-01',
    }
    const { body: task } = await ann.createTask({ body: full })
    const cleared = { description: null, dueDate: null, dueTime: null, startDate: null, timeZone: null, completed: false }
    const { body } = await ann.updateTask({ path: { taskId: task.id }, body: cleared })
    expect(body).toEqual({ ...task, ...cleared, completedAt: null, revision: task.revision + 1, updatedAt: expect.any(String) })
    await ann.updateTask({ path: { taskId: task.id }, body: { title: null as never } }, 422)
  })

  test('with {} changes nothing, not even the ETag, and still honours If-Match', async ({ as }) => {
    const ann = await as('ann')
    const { body: task, etag } = await ann.createTask({ body: { title: 'a' } })
    expect(await ann.updateTask({ path: { taskId: task.id }, body: {} })).toMatchObject({ body: task, etag })
    await ann.updateTask({ path: { taskId: task.id }, body: {}, headers: { 'If-Match': '"7"' } }, 412)
    await ann.updateTask({ path: { taskId: unknownId }, body: {} }, 404)
  })

  test('completing twice keeps the first instant', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a', completed: true } })
    const { body } = await ann.updateTask({ path: { taskId: task.id }, body: { completed: true } })
    expect(body.completedAt).toBe(task.completedAt)
    const put = await ann.putTask({ path: { taskId: task.id }, body: { title: 'b', completed: true } })
    expect(put.body.completedAt).toBe(task.completedAt)
    expect(put.body).toMatchObject({ createdAt: task.createdAt, title: 'b' })
  })

  test('refuses a time if neither the body nor the task has a date', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    const { body } = await ann.updateTask({ path: { taskId: task.id }, body: { dueTime: '10:00' } }, 422)
    expect(body.errors).toMatchObject([{ pointer: '/dueTime', code: 'needsDueDate' }])
  })

  test('with If-Match: of eight concurrent updates exactly one succeeds, and the others return 412 with the new ETag', async ({ as }) => {
    const ann = await as('ann')
    for (let round = 0; round < 5; round++) {
      const { body: task, etag } = await ann.createTask({ body: { title: 'a' } })
      const updates = Array.from({ length: 8 }, (_, i) =>
        ann.send('PATCH', `/v1/users/me/tasks/${task.id}`, {
          headers: { 'if-match': etag, 'content-type': 'application/json' },
          body: JSON.stringify({ title: `${i}` }),
        }),
      )
      const replies = await Promise.all(updates)
      const [winner, ...more] = replies.filter(({ status }) => status === 200)
      expect(more).toEqual([])
      const losers = replies.filter(({ status }) => status === 412)
      expect(losers).toHaveLength(7)
      for (const { headers } of losers) expect(headers.get('etag')).toBe(winner?.headers.get('etag'))
      expect((await ann.getTask({ path: { taskId: task.id } })).body).toEqual(winner?.body)
    }
  })

  test('accepts * and lists in If-Match, never matches a weak tag, and refuses a header that is no list', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    const patch = (header: string, status: 200 | 412 | 422) =>
      ann.updateTask({ path: { taskId: task.id }, body: { title: 'b' }, headers: { 'If-Match': header } }, status)
    await patch('*', 200)
    await patch(`"9", "${task.revision + 1}"`, 200)
    await patch(`W/"${task.revision + 2}"`, 412)
    await patch('"abc"', 412)
    await patch('nonsense', 422)
    await ann.updateTask({ path: { taskId: unknownId }, body: { title: 'b' }, headers: { 'If-Match': '"1"' } }, 404)
  })
})

describe('putTask', () => {
  test('creates under the id from the client on the first call and replaces on the second', async ({ as }) => {
    const ann = await as('ann')
    const taskId = randomUUID()
    const first = await ann.putTask({ path: { taskId }, body: { title: 'a', priority: 'low', labels: ['x'] } }, 201)
    expect(first.headers.get('location')).toBe(`/v1/users/${ann.id}/tasks/${taskId}`)
    const second = await ann.putTask({ path: { taskId }, body: { title: 'b' } }, 200)
    expect(second.body).toEqual({
      ...first.body,
      title: 'b',
      priority: 'none',
      labels: [],
      revision: first.body.revision + 1,
      updatedAt: second.body.updatedAt,
    })
  })

  test('of eight concurrent calls with one id, one creates and seven replace', async ({ as }) => {
    const ann = await as('ann')
    const taskId = randomUUID()
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => ann.putTask({ path: { taskId }, body: { title: `${i}` } })))
    expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201])
  })

  test('replaces a task that was created in the same instant or later', async ({ as, service }) => {
    const ann = await as('ann')
    const taskId = randomUUID()
    await ann.putTask({ path: { taskId }, body: { title: 'a' } }, 201)
    await service.sql`update tasks set created_at = now() + interval '1 hour' where id = ${taskId}`
    await ann.putTask({ path: { taskId }, body: { title: 'b' } }, 200)
  })

  test('honours If-Match and If-None-Match', async ({ as }) => {
    const ann = await as('ann')
    const taskId = randomUUID()
    const none = await ann.putTask({ path: { taskId }, body: { title: 'a' }, headers: { 'If-Match': '*' } }, 412)
    expect(none.etag).toBe('')
    const { etag } = await ann.putTask({ path: { taskId }, body: { title: 'a' }, headers: { 'If-None-Match': '*' } }, 201)
    expect((await ann.putTask({ path: { taskId }, body: { title: 'b' }, headers: { 'If-None-Match': '*' } }, 412)).etag).toBe(etag)
    const changed = await ann.putTask({ path: { taskId }, body: { title: 'b' }, headers: { 'If-Match': etag } }, 200)
    expect((await ann.putTask({ path: { taskId }, body: { title: 'c' }, headers: { 'If-Match': etag } }, 412)).etag).toBe(changed.etag)
    expect((await ann.getTask({ path: { taskId } })).body.title).toBe('b')
  })

  test('with If-None-Match: * under an existing id changes nothing, not even the ETag of the account', async ({ as }) => {
    const ann = await as('ann')
    const { body: task, etag } = await ann.createTask({ body: { title: 'a' } })
    for (const headers of [{ 'If-None-Match': '*' }, { 'If-None-Match': '*', 'If-Match': '*' }])
      expect((await ann.putTask({ path: { taskId: task.id }, body: { title: 'b' }, headers }, 412)).etag).toBe(etag)
    expect(await ann.listTasks()).toMatchObject({ etag, body: { items: [task] } })
  })

  test('creates a new task under a deleted id', async ({ as }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a', completed: true } })
    await ann.deleteTask({ path: { taskId: task.id } })
    const again = await ann.putTask({ path: { taskId: task.id }, body: { title: 'b', completed: true } }, 201)
    expect(again.body.createdAt > task.createdAt).toBe(true)
    expect(again.body.completedAt).toBe(again.body.createdAt)
  })
})

describe('deleteTask', () => {
  test('hides the task from every read and leaves a tombstone', async ({ as, service }) => {
    const ann = await as('ann')
    const { body: task, etag } = await ann.createTask({ body: { title: 'a' } })
    await ann.deleteTask({ path: { taskId: task.id }, headers: { 'If-Match': '"7"' } }, 412)
    await ann.deleteTask({ path: { taskId: task.id }, headers: { 'If-Match': etag } })
    await ann.deleteTask({ path: { taskId: task.id } }, 404)
    await ann.getTask({ path: { taskId: task.id } }, 404)
    await ann.updateTask({ path: { taskId: task.id }, body: { title: 'b' } }, 404)
    expect(await ann.listTasks()).toMatchObject({ etag: `"${task.revision + 1}"`, body: { items: [], nextCursor: null } })
    const tombstones = await service.sql`select revision::float from tasks where owner_id = ${ann.id} and deleted_at is not null`
    expect([...tombstones]).toEqual([{ revision: task.revision + 1 }])
  })
})

describe('listTasks', () => {
  test('accepts the longest query that the spec allows', async ({ as }) => {
    const ann = await as('ann')
    const labels = Array.from({ length: 50 }, (_, i) => `${i}`.padEnd(2, '.') + '😀'.repeat(48))
    await ann.createTask({ body: { title: 'a', labels } })
    expect((await ann.listTasks({ query: { label: labels } })).body.items).toHaveLength(1)
  })

  const titles = ({ body }: { body: { items: { title: string }[] } }) => body.items.map(({ title }) => title)

  test('applies every filter, alone and combined', async ({ as }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    const wall = {
      title: 'Paint the WALL',
      description: 'Zwei Eimer Farbe',
      priority: 'high',
      dueDate: '2027-03-01',
      labels: ['x', 'y'],
      categoryId: home.id,
    } satisfies Input<'createTask'>['body']
    await ann.createTask({ body: wall })
    await ann.createTask({ body: { title: 'Call Émile', priority: 'low', dueDate: '2027-03-09', labels: ['x'] } })
    await ann.createTask({ body: { title: 'Rest', completed: true } })
    const list = async (query: object) => titles(await ann.listTasks({ query: { sort: 'createdAt', ...query } }))

    expect(await list({})).toEqual(['Paint the WALL', 'Call Émile', 'Rest'])
    expect(await list({ completed: true })).toEqual(['Rest'])
    expect(await list({ completed: false })).toEqual(['Paint the WALL', 'Call Émile'])
    expect(await list({ priority: ['high', 'none'] })).toEqual(['Paint the WALL', 'Rest'])
    expect(await list({ priority: 'low' })).toEqual(['Call Émile'])
    expect(await list({ categoryId: home.id })).toEqual(['Paint the WALL'])
    expect(await list({ label: ['x'] })).toEqual(['Paint the WALL', 'Call Émile'])
    expect(await list({ label: ['x', 'y'] })).toEqual(['Paint the WALL'])
    expect(await list({ dueFrom: '2027-03-02' })).toEqual(['Call Émile'])
    expect(await list({ dueTo: '2027-03-01' })).toEqual(['Paint the WALL'])
    expect(await list({ dueFrom: '2027-03-01', dueTo: '2027-03-09' })).toEqual(['Paint the WALL', 'Call Émile'])
    expect(await list({ q: 'wall' })).toEqual(['Paint the WALL'])
    expect(await list({ q: 'farbe PAINT' })).toEqual(['Paint the WALL'])
    expect(await list({ q: 'émile' })).toEqual(['Call Émile'])
    expect(await list({ q: 'wal farbe' })).toEqual([])
    expect(await list({ q: "'!&|(" })).toEqual([])
    expect(await list({ completed: false, label: ['x'], priority: ['low'] })).toEqual(['Call Émile'])
  })

  describe('q finds the words that users see', () => {
    // Each title with searches that find it, and searches that do not.
    test.for([
      ['Read “Momo” to Ida', ['Momo', 'MOMO ida', 'read mo'], ['omo', 'mom ida']],
      ['Fix docs/setup.md, buy milk/eggs', ['docs', 'setup', 'md', 'setup.md', 'eggs'], ['ocs', 'set milk']],
      ['https://example.org/a_path?q=Nice#top', ['example', 'path', 'a_path', 'nice', 'top'], ['xample']],
      ['Write to ida.berg@example.org', ['berg', 'ida.berg@example.org', 'example'], ['erg']],
      ['Kaffee☕Pause—heute…', ['kaffee', 'pause', 'heute'], ['kaffeepause']],
      ['Crème brûlée à Zürich', ['creme', 'CRÈME', 'cre\u0300me brulee', 'zurich'], ['crime']],
      ['Łódź, Ærøskøbing, Straße', ['lodz', 'aeroskobing', 'strasse', 'STRASSE'], ['strase']],
      ['Ｆｕｌｌ　Ｗｉｄｔｈ ﬁsh m²', ['full width', 'fish', 'm2'], ['ish']],
      ['Fer\u00adry tic\u200bkets', ['ferry tickets', 'fer\u200bry'], ['ry']],
      ['ΟΔΟΣ Ήλιου', ['οδος', 'οδοσ', 'ηλιου'], ['δος']],
      ['Ёлка для ИГОРЯ', ['елка', 'игоря'], ['лка']],
      ['سلامٌ عَلَيْكُم', ['سلام', 'عليكم'], ['لام']],
      ['كتـــاب', ['كتاب', 'كـتـاب'], ['كتب']],
      ['שָׁלוֹם', ['שלום'], ['לום']],
      ['Пʼять яблук, Oʻzbek, don’t', ["п'ять", 'п’ять', 'пʼять', "o'zbek", 'oʻzbek', "don't"], ["п'яті"]],
      ['की किताब', ['की', 'किताब', 'कि'], ['क किताब']],
      ['会議資料を田中さんに送る', ['会議', '資料', '議資', '資', '田中さん', '会議 送る', 'る'], ['議会', '中田']],
      ['iPhoneを買う', ['iphone', '買う', 'iPhoneを'], ['phone']],
      ['ガーデン', ['ｶﾞｰﾃﾞﾝ', 'デン'], ['カーテン']],
      ['回复邮件', ['邮件', '件', '复邮'], ['件邮']],
      ['เตรียมประชุมทีมวันจันทร์', ['ประชุม', 'ทีม', 'วันจันทร์', 'ชุ'], ['มุช']],
      ['회의를 준비하기', ['회의', '의를', '준비', '하기', '회의를 준비'], ['의회']],
      ['ອ່ານປຶ້ມ ខ្ញុំអានសៀវភៅ စာဖတ်ရန်', ['ປຶ້ມ', 'អាន', 'ဖတ်'], ['abc']],
    ] as const)('%s', async ([title, found, missed], { as }) => {
      const ann = await as('ann')
      await ann.createTask({ body: { title } })
      const finds = async (q: string) => titles(await ann.listTasks({ query: { q } })).length === 1
      for (const q of found) expect([q, await finds(q)]).toEqual([q, true])
      for (const q of missed) expect([q, await finds(q)]).toEqual([q, false])
    })

    test('reads the title and the description, also after a change', async ({ as }) => {
      const ann = await as('ann')
      const { body: task } = await ann.createTask({ body: { title: 'Momo', description: '“Ida”' } })
      const count = async (q: string) => (await ann.listTasks({ query: { q } })).body.items.length
      expect([await count('ida momo'), await count('momoida')]).toEqual([1, 0])
      await ann.updateTask({ path: { taskId: task.id }, body: { description: 'Bea' } })
      expect([await count('momo ida'), await count('momo bea')]).toEqual([0, 1])
      await ann.deleteTask({ path: { taskId: task.id } })
      expect(await count('momo')).toBe(0)
    })

    test.for(["'!&|(:*", '“”', '☕', '\u200b', ' ', '---'])('nothing without a word: %s', async (q, { as }) => {
      const ann = await as('ann')
      await ann.createTask({ body: { title: `a ${q}` } })
      expect((await ann.listTasks({ query: { q } })).body.items).toEqual([])
    })
  })

  test('finds labels that look alike', async ({ as }) => {
    const ann = await as('ann')
    await ann.createTask({ body: { title: 'a', labels: ['Café', 'x  y'] } })
    for (const label of ['café', 'CAFE\u0301', 'Ca\u200bfé', ' café ', 'X y'])
      expect([label, (await ann.listTasks({ query: { label: [label] } })).body.items.length]).toEqual([label, 1])
    for (const label of ['cafe', 'xy']) expect((await ann.listTasks({ query: { label: [label] } })).body.items).toEqual([])
  })

  test('sorts by every field in both directions, and pages without a gap', async ({ as }) => {
    const ann = await as('ann')
    const rows = [
      ['b', 'none', null],
      ['A', 'medium', null],
      ['a', 'low', '2027-03-02'],
      ['ä', 'low', null],
      ['c', 'high', '2027-03-01'],
    ] as const
    for (const [title, priority, dueDate] of rows) await ann.createTask({ body: { title, priority, dueDate } })

    for (const sort of [
      'createdAt',
      '-createdAt',
      'updatedAt',
      '-updatedAt',
      'dueDate',
      '-dueDate',
      'priority',
      '-priority',
      'title',
      '-title',
    ] as const) {
      const all = titles(await ann.listTasks({ query: { sort } }))
      for (const limit of [1, 2, 4]) {
        const pages: string[] = []
        let cursor: string | null | undefined
        while (cursor !== null) {
          const { body } = await ann.listTasks({ query: { sort, limit, ...(cursor && { cursor }) } })
          expect(body.items.length).toBeLessThanOrEqual(limit)
          pages.push(...body.items.map(({ title }) => title))
          cursor = body.nextCursor
        }
        expect(pages, `${sort} by ${limit}`).toEqual(all)
      }
    }
    const list = async (sort: Sort) => titles(await ann.listTasks({ query: { sort } }))
    expect(await list('createdAt')).toEqual(['b', 'A', 'a', 'ä', 'c'])
    expect(await list('title')).toEqual(['a', 'A', 'ä', 'b', 'c'])
    expect((await list('priority')).map(title => rows.find(row => row[0] === title)?.[1])).toEqual(['none', 'low', 'low', 'medium', 'high'])
    expect((await list('dueDate')).slice(0, 2)).toEqual(['c', 'a'])
    expect((await list('-dueDate')).slice(0, 2)).toEqual(['a', 'c'])
    expect(titles(await ann.listTasks())).toEqual(['c', 'ä', 'a', 'A', 'b'])
  })

  test('keeps the order of pages during writes', async ({ as }) => {
    const ann = await as('ann')
    for (let i = 0; i < 6; i++) await ann.createTask({ body: { title: `${i}` } })
    const first = await ann.listTasks({ query: { limit: 3 } })
    expect(titles(first)).toEqual(['5', '4', '3'])
    await ann.createTask({ body: { title: 'new' } })
    await ann.deleteTask({ path: { taskId: first.body.items[2]?.id as string } })
    const second = await ann.listTasks({ query: { limit: 3, cursor: first.body.nextCursor as string } })
    expect(titles(second)).toEqual(['2', '1', '0'])
    expect(second.body.nextCursor).toBe(null)
  })

  test('replies with the ETag of the account and returns 304 for it', async ({ as }) => {
    const ann = await as('ann')
    expect(await ann.listTasks()).toMatchObject({ etag: '"0"', body: { items: [] } })
    const created = await ann.createCategory({ body: { name: 'x' } })
    const { etag } = await ann.listTasks()
    expect(etag).toBe(created.etag)
    await ann.listTasks({ headers: { 'If-None-Match': etag } }, 304)
    const { etag: next } = await ann.createTask({ body: { title: 'a' } })
    expect((await ann.listTasks({ headers: { 'If-None-Match': etag } }, 200)).etag).toBe(next)
  })

  test.for([
    ['limit=0', '/limit', 'minimum'],
    ['limit=101', '/limit', 'maximum'],
    ['limit=x', '/limit', 'type'],
    ['limit=1&limit=2', '/limit', 'type'],
    ['sort=id', '/sort', 'enum'],
    ['sort=-relevance&q=a', '/sort', 'enum'],
    ['sort=relevance', '/sort', 'needsQ'],
    ['completed=maybe', '/completed', 'type'],
    ['priority=urgent', '/priority/0', 'enum'],
    ['dueFrom=2027-13-01', '/dueFrom', 'format'],
    ['dueTo=0000-01-01', '/dueTo', 'pattern'],
    ['categoryId=urn:uuid:019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', '/categoryId', 'pattern'],
    ['q=', '/q', 'minLength'],
    ['q=%00', '/q', 'pattern'],
    ['label=a%00', '/label/0', 'pattern'],
    ['cursor=%00', '/cursor', 'pattern'],
    ['cursor=abc', '/cursor', 'cursor'],
    [`cursor=${Buffer.from('["title","x","019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]').toString('base64url')}`, '/cursor', 'cursor'],
    [`cursor=${Buffer.from('["-createdAt","x","019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]').toString('base64url')}`, '/cursor', 'cursor'],
    [
      `cursor=${Buffer.from('["-createdAt","2027-99-01T00:00:00Z","019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]').toString('base64url')}`,
      '/cursor',
      'cursor',
    ],
    [`cursor=${Buffer.from('["-createdAt",1,"x"]').toString('base64url')}`, '/cursor', 'cursor'],
    [
      `sort=dueDate&cursor=${Buffer.from('["dueDate,dueTime",1,"019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]').toString('base64url')}`,
      '/cursor',
      'cursor',
    ],
    [`cursor=${Buffer.from('["-createdAt",1,"019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]').toString('base64url')}`, '/cursor', 'cursor'],
    [
      `cursor=${Buffer.from('["-createdAt","2027-01-01T00:00:00Z",["019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12"]]').toString('base64url')}`,
      '/cursor',
      'cursor',
    ],
    ['colour=red', '/colour', 'unknown'],
    ['__proto__=1', '/__proto__', 'unknown'],
  ] as const)('refuses %s', async ([query, pointer, code], { as }) => {
    const ann = await as('ann')
    const { status, body } = await ann.send('GET', `/v1/users/me/tasks?${query}`)
    expect(status).toBe(422)
    expect((body as { errors: object[] }).errors).toEqual([{ location: 'query', pointer, code, message: expect.any(String) }])
  })
})
