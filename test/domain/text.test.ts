// The functions of the database that compare and search text, against judges in JavaScript.
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import postgres from 'postgres'
import { expect, onTestFinished } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { isVisibleText } from '../../src/contract/formats.ts'
import { migrate } from '../../src/database/migrate.ts'
import { directory } from '../../src/database/migrations.ts'
import * as judge from '../property/text.ts'
import { createDatabase, test } from '../support/taskspec.ts'

const codes = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => from + i).filter(code => code < 0xd800 || code > 0xdfff)
// Of these only some are tested.
const ideographs = [
  [0x3400, 0x9fff],
  [0xac00, 0xd7a3],
  [0x17000, 0x18d7f],
  [0x20000, 0x2f7ff],
  [0x30000, 0x3ffff],
] as const
const blocks = (list: string[], separator: string) =>
  Array.from({ length: Math.ceil(list.length / 1000) }, (_, i) => list.slice(i * 1000, (i + 1) * 1000).join(separator))

/** The parts of two texts that differ, as code points. */
function differing(text: string, expected: string, separator: string) {
  const [left, right] = [text.split(separator), expected.split(separator)]
  const hex = (part = '') => [...part].map(each => each.codePointAt(0)?.toString(16)).join(' ')
  return text === expected ? [] : left.flatMap((part, i) => (part === right[i] ? [] : [`${hex(part)} should be ${hex(right[i])}`]))
}

test('the database folds every character like Unicode does', async ({ service: { sql } }) => {
  const isListed = (code: number) => code % 64 === 0 || !ideographs.some(([from, to]) => code >= from && code <= to)
  const assigned = codes(1, 0x110000)
    .filter(isListed)
    .map(code => String.fromCodePoint(code))
    .filter(character => !/\p{Cn}|\p{Co}/u.test(character))
  // Node may know a newer Unicode than PostgreSQL.
  const newer = await sql<{ character: string }[]>`
    select character from unnest(${assigned}::text[]) as character where not unicode_assigned(character)`
  const unknown = new Set(newer.map(({ character }) => character))
  const both = assigned.filter(character => !unknown.has(character))
  expect(both.length).toBeGreaterThan(40_000)

  const names = blocks(both, '|')
  const texts = blocks(
    both.map(character => `a${character}b`),
    ' ',
  )
  const rows = await sql<{ name: string; text: string; again: boolean }[]>`
    select folded(name) as name, search_text(text) as text, folded(folded(name)) = folded(name) as again
    from unnest(${names}::text[], ${texts}::text[]) as blocks (name, text)`
  const wrong = rows.flatMap(({ name, text }, i) => [
    ...differing(name, judge.folded(names[i] as string), '|'),
    ...differing(text, judge.wordsOf(texts[i] as string).join(' '), ' '),
  ])
  expect(wrong.slice(0, 20)).toEqual([])
  expect(rows.every(({ again }) => again)).toBe(true)

  // PostgreSQL 18 has a case folding of its own, which folds Cherokee to capital letters. A search ignores the iota below a Greek letter.
  const visible = both.filter(character => judge.isVisible(character) && !/\p{sc=Cher}|\u0345/u.test(character.normalize('NFD')))
  const [other] = await sql`
    select bool_and(folded(name) = normalize(casefold(normalize(name, NFD) collate "pg_unicode_fast"), NFC)
      and search_text(folded(name)) = search_text(name)) as same
    from unnest(${blocks(visible, '|')}::text[]) as name`
  expect(other?.same).toBe(true)
})

test('the database, the server and the tests agree which characters are visible', async ({ service: { sql } }) => {
  const all = [...codes(1, 0x20000), ...codes(0xe0000, 0xe1100)].map(code => String.fromCodePoint(code))
  const rows = await sql<{ character: string }[]>`select character from unnest(${all}::text[]) as character where not is_visible(character)`
  const hidden = rows.map(({ character }) => character)
  expect(hidden).toEqual(all.filter(character => !isVisibleText(character)))
  expect(hidden).toEqual(all.filter(character => !judge.isVisible(character)))
})

test('texts in ASCII, and words of the largest length, are compared like others', async ({ service: { sql } }) => {
  const lengths = [254, 255, 256, 300].flatMap(length => ['x'.repeat(length), `a ${'x'.repeat(length)}`, 'é'.repeat(length)])
  const texts = ['', ' ', '   ', '  A  b ', 'a b', '~', ' !', '\t', 'a\t b', '\u0001', '\u0001a', '\u007f', ...lengths]
  const rows = await sql`
    select is_visible(text) as visible, folded(text), search_words('ann', search_text(text)) @@ search_query('ann', search_text(text)) as found
    from unnest(${texts}::text[]) as text`
  const expected = texts.map(text => ({
    visible: judge.isVisible(text),
    folded: judge.folded(text),
    found: judge.finds(text, text),
  }))
  expect(rows.map(row => ({ ...row }))).toEqual(expected)
})

test('a search uses the index of the words', async ({ as, service: { sql } }) => {
  const ann = await as('ann')
  await ann.createTask({ body: { title: 'Pack' } })
  await sql`
    insert into tasks (owner_id, id, title, priority, labels, revision)
    select ${ann.id}, gen_random_uuid(), 'Task ' || number, 'none', '{}', 1 from generate_series(1, 1000) as number`
  await sql`analyze tasks`
  const plan = await sql.begin(async sql => {
    const rows = await sql`
      explain (costs off) select id from tasks
      where owner_id = ${ann.id} and deleted_at is null and words @@ search_query(${ann.id}, search_text('pac'))`
    return rows.map(row => row['QUERY PLAN']).join('\n')
  })
  expect(plan).toContain('Bitmap Index Scan on tasks_search_idx')
  expect(plan).toMatch(/Index Cond: \(words @@ '''[0-9a-f]{8}pac'':\*'::tsquery\)/)
})

test('texts of the largest size have their words stored', async ({ as }) => {
  const ann = await as('ann')
  const han = String.fromCodePoint(...codes(0x4e00, 0x4e00 + 10_000))
  const described = ['x'.repeat(9_990), han, '\ufdfa'.repeat(10_000), 'ß'.repeat(10_000), '\u{1F1E6}'.repeat(10_000)]
  for (const description of described) await ann.createTask({ body: { title: 'a', description } })
  const count = async (q: string) => (await ann.listTasks({ query: { q } })).body.items.length
  expect(await count('x'.repeat(200))).toBe(1)
  expect(await count(han.slice(9_000, 9_200))).toBe(1)
  expect(await count('ß'.repeat(200))).toBe(1)
})

test('the migration repairs texts that release 0.3 accepted', async () => {
  const { url, drop } = await createDatabase('template0')
  onTestFinished(drop)
  const folder = await mkdtemp(join(tmpdir(), 'taskspec-before-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const file of await readdir(directory)) if (file < '20261128001201') await cp(new URL(file, directory), join(folder, file))
  await migrate(parseDatabaseUrl(url), { quiet: true, directory: pathToFileURL(`${folder}/`) })

  const sql = postgres(url, { max: 1, onnotice: () => {} })
  onTestFinished(() => sql.end())
  await sql`insert into users (id, name, revision, profile_revision) values ('ann', ${'\u200b'}, 9, 1), ('bob', 'Bob', 9, 1)`
  const names = [
    'Home',
    'Home ',
    'Ho\u200bme',
    'home (2)',
    '\u200b',
    '\u2060',
    'Straße',
    'STRASSE',
    'x'.repeat(100),
    `${'x'.repeat(99)}X\u00ad`.slice(1),
  ]
  for (const [i, name] of names.entries())
    await sql`insert into categories (owner_id, id, name, position, revision, created_at)
      values ('ann', gen_random_uuid(), ${name}, ${i}, ${i}, now() + ${i} * interval '1 s')`
  await sql`insert into categories (owner_id, id, name, position, revision) values ('bob', gen_random_uuid(), 'HOME', 0, 1)`
  await sql`insert into tasks (owner_id, id, title, priority, labels, revision) values
    ('ann', gen_random_uuid(), ${'\u200b'}, 'none', ${['b', '\u2060', 'a']}, 1), ('ann', gen_random_uuid(), 'Pack', 'none', '{}', 2)`

  await migrate(parseDatabaseUrl(url), { quiet: true })
  const categories = await sql`select name, revision::int from categories where owner_id = 'ann' order by position`
  expect(categories.map(({ name }) => name)).toEqual([
    ...['Home', 'Home  (3)', 'Ho\u200bme (4)', 'home (2)', '?', '? (2)', 'Straße', 'STRASSE (2)', 'x'.repeat(100)],
    names[9],
  ])
  expect([...(await sql`select title, labels from tasks order by title`)]).toEqual([
    { title: '?', labels: ['b', 'a'] },
    { title: 'Pack', labels: [] },
  ])
  const users = await sql`select id, name, revision::int, profile_revision::int as profile from users order by id`
  expect([...users]).toEqual([
    { id: 'ann', name: null, revision: expect.any(Number), profile: expect.any(Number) },
    { id: 'bob', name: 'Bob', revision: 9, profile: 1 },
  ])
  // Five categories, a task and the profile changed, each with a revision of its own.
  expect(users[0]?.revision).toBe(9 + 7)
  expect(new Set(categories.map(({ revision }) => revision)).size).toBe(categories.length)
})
