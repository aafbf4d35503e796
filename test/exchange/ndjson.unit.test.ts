import { describe, expect, test } from 'vitest'
import { readNdjson, writeNdjson } from '../../src/exchange/ndjson.ts'
import { all, each, endless, pieces, summary, text } from './read.ts'

const line = (title: string) => JSON.stringify({ kind: 'task', title })

test('a resource is one line with its kind', async () => {
  const category = {
    kind: 'category' as const,
    id: 'c',
    name: 'a\nb',
    color: null,
    position: 0,
    revision: 1,
    createdAt: '',
    updatedAt: '',
    sortKey: 'a0',
  }
  const written = await text(writeNdjson(each(category)))
  expect(written.split('\n')).toHaveLength(2)
  const { kind, ...body } = category
  expect(await all(readNdjson(pieces(written)))).toEqual([{ line: 1, item: { kind, id: 'c', body } }])
})

test('the id of a profile stays in its body', async () => {
  expect(await all(readNdjson(pieces('{"kind":"profile","id":"auth0|ann","name":null}')))).toEqual([
    { line: 1, item: { kind: 'profile', body: { id: 'auth0|ann', name: null } } },
  ])
})

describe.each([1, 2, 3, 1000])('in pieces of %i bytes', size => {
  test('lines end in any way, and empty ones are passed over', async () => {
    const content = `\ufeff${line('ä')}\r\n\r\n  \n${line('😀')}\n${line('\u2028')}`
    expect(await summary(readNdjson(pieces(content, size)))).toEqual(['1: ä', '4: 😀', '5: \u2028'])
  })
})

test('a line without a resource is a fault, and the next line is read', async () => {
  const bad = ['{', '[]', 'null', '"text"', '{"kind":"label"}', '{"title":"x"}', '{"kind":"task","id":7}', '{"kind":"__proto__"}']
  const content = Buffer.concat([Buffer.from(`${bad.join('\n')}\n`), Buffer.from([0x22, 0xff, 0x22, 0x0a]), Buffer.from(line('good'))])
  expect(await all(readNdjson(pieces(content)))).toEqual([
    { line: 1, place: null, reason: 'The line is not valid JSON.', lost: 'row' },
    { line: 2, place: null, reason: 'The line must be a JSON object.', lost: 'row' },
    { line: 3, place: null, reason: 'The line must be a JSON object.', lost: 'row' },
    { line: 4, place: null, reason: 'The line must be a JSON object.', lost: 'row' },
    { line: 5, place: 'kind', reason: 'Must be profile, category or task.', lost: 'row' },
    { line: 6, place: 'kind', reason: 'Must be profile, category or task.', lost: 'row' },
    { line: 7, place: 'id', reason: 'Must be a text.', lost: 'row' },
    { line: 8, place: 'kind', reason: 'Must be profile, category or task.', lost: 'row' },
    { line: 9, place: null, reason: 'The line is not UTF-8.', lost: 'row' },
    { line: 10, item: { kind: 'task', body: { title: 'good' } } },
  ])
})

test('a key __proto__ is a key like others', async () => {
  const [row] = await all(readNdjson(pieces('{"kind":"task","__proto__":{"id":"x"}}')))
  expect(row).toMatchObject({ item: { kind: 'task' } })
  expect(row !== undefined && 'item' in row ? Object.keys(row.item.body) : []).toEqual(['__proto__'])
  expect(row).not.toHaveProperty('item.id')
})

test('a line of 256 KiB is read, and a longer one ends the reading', async () => {
  const whole = line('x'.repeat(256 * 1024 - line('').length))
  expect(await all(readNdjson(pieces(`${whole}\n${line('next')}`)))).toHaveLength(2)
  const { source, bytes } = endless(`${line('first')}\n`, 'x'.repeat(1000))
  expect(await summary(readNdjson(source))).toEqual(['1: first', '2: null lost rest'])
  expect(bytes()).toBeLessThan(257 * 1024)
})

test('a reader asks for no more than its caller', async () => {
  const { source, bytes } = endless('', `${line('x')}\n`)
  for await (const row of readNdjson(source)) {
    expect(row).toHaveProperty('item')
    if (row.line === 3) break
  }
  expect(bytes()).toBe(3 * (line('x').length + 1))
  expect(await source[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined })
})
