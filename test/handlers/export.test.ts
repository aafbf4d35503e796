// The export of an account in its three forms.
import { describe, expect } from 'vitest'
import { exported, type Format, idsIn, linesOf } from '../support/export.ts'
import { operation, resolved } from '../support/spec.ts'
import { test } from '../support/taskspec.ts'

const portable = <Row extends { revision: number }>({ revision: _, ...row }: Row) => row

describe('exportAccount', () => {
  test('has the profile, the categories and each task after its parent', async ({ as }) => {
    const ann = await as('ann', { email: 'ann@example.com' })
    const { body: home } = await ann.createCategory({ body: { name: 'Home' } })
    // The id of the subtask is the smaller one.
    const [child, parent] = ['019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', '019c5a22-0d3b-7e62-9b1f-3a5d7c9e0f12']
    await ann.putTask({ path: { taskId: parent }, body: { title: 'Pack', categoryId: home.id } })
    await ann.putTask({ path: { taskId: child }, body: { title: 'Socks', parentId: parent } })
    const { body: gone } = await ann.createTask({ body: { title: 'Gone' } })
    await ann.deleteTask({ path: { taskId: gone.id } })

    const { body, headers } = await ann.exportAccount()
    expect(headers.get('content-type')).toBe('application/x-ndjson')
    const tasks = await Promise.all([parent, child].map(async taskId => (await ann.getTask({ path: { taskId } })).body))
    expect(linesOf(body)).toEqual([
      { kind: 'profile', ...portable((await ann.getUser()).body) },
      { kind: 'category', ...portable(home) },
      ...tasks.map(task => ({ kind: 'task', ...portable(task) })),
    ])
  })

  test.for([
    ['ndjson', 'application/x-ndjson'],
    ['csv', 'text/csv; charset=utf-8'],
    ['ics', 'text/calendar; charset=utf-8'],
  ] as const)('as %s has all tasks and the names of their categories', async ([format, type], { as }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Hömé' } })
    const { body: parent } = await ann.createTask({ body: { title: 'Pack', categoryId: home.id } })
    const { body: child } = await ann.createTask({ body: { title: 'Socks', parentId: parent.id } })
    const { body, headers } = await ann.exportAccount({ query: { format } })
    expect(headers.get('content-type')).toBe(type)
    expect(headers.get('content-disposition')).toMatch(new RegExp(`^attachment; filename="taskspec-[\\d-]{10}\\.${format}"$`))
    expect(await idsIn(format, body)).toEqual([parent.id, child.id])
    expect(body).toContain('Hömé')
  })

  test('makes the account on first contact', async ({ as }) => {
    const ann = await as('ann', { name: 'Ann' })
    expect(linesOf(await exported(ann))).toEqual([{ kind: 'profile', ...portable((await ann.getUser()).body) }])
    expect(await exported(await as('bob'), 'csv')).toMatch(/^id,parentId,[^\n]*\r\n$/)
    expect(await exported(await as('eve'), 'ics')).toMatch(/^BEGIN:VCALENDAR\r\n[\s\S]*END:VCALENDAR\r\n$/)
  })

  test('has more tasks than a page, at several depths', async ({ as, service: { sql } }) => {
    const ann = await as('ann')
    await ann.getUser()
    for (const depth of [0, 1])
      await sql`
        insert into tasks (owner_id, id, title, priority, labels, revision, depth, parent_id)
        select ${ann.id}, md5(${depth} || '-' || number)::uuid, 'x', 'none', '{}', 1, ${depth}::int,
          case when ${depth} = 1 then md5('0-' || number)::uuid end
        from generate_series(1, 1000) as number`
    for (const format of ['ndjson', 'csv', 'ics'] as const) {
      const ids = await idsIn(format, await exported(ann, format))
      expect([ids.length, new Set(ids).size]).toEqual([2000, 2000])
    }
    const position = new Map(linesOf(await exported(ann)).map(({ id }, i) => [id, i]))
    for (const { id, parentId } of linesOf(await exported(ann)))
      if (parentId) expect(position.get(id)).toBeGreaterThan(position.get(parentId) as number)
  })

  test('refuses an unknown format', async ({ as }) => {
    const ann = await as('ann')
    const { body } = await ann.exportAccount({ query: { format: 'xml' as Format } }, 422)
    expect(body.errors).toMatchObject([{ pointer: '/format', location: 'query', code: 'enum' }])
  })

  test('needs a token, and that of the owner', async ({ as, anonymous }) => {
    await anonymous.exportAccount({}, 401)
    await (await as('ann')).exportAccount({ path: { userId: 'bob' } }, 403)
  })

  test('is the example of the contract but for its values', async ({ as }) => {
    const ann = await as('ann')
    const { body: home } = await ann.createCategory({ body: { name: 'Travel' } })
    await ann.createTask({ body: { title: 'Book', categoryId: home.id } })
    const content = operation('exportAccount').responses[200]?.content ?? {}
    const example = (type: string) => Object.values(content[type]?.examples ?? {}).map(each => resolved(each).value as string)[0] as string
    const fields = (text: string) => linesOf(text).map(Object.keys)
    expect(fields(await exported(ann))).toEqual(fields(example('application/x-ndjson')))
    const header = (text: string) => text.split('\r\n', 1)
    expect(header(await exported(ann, 'csv'))).toEqual(header(example('text/csv')))
    const start = (text: string) => text.split('UID:')[0]
    expect(start(await exported(ann, 'ics'))).toBe(start(example('text/calendar')))
  })
})
