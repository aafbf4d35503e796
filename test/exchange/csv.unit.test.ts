import { describe, expect, test } from 'vitest'
import { readCsv, writeCsv } from '../../src/exchange/csv.ts'
import type { NamedTask } from '../../src/exchange/item.ts'
import { all, each, endless, items, pieces, summary, text } from './read.ts'

const options = { today: '2027-02-11', seed: '' }
const read = (content: string | Buffer, size?: number) => readCsv(pieces(content, size), options)
const bodies = async (content: string) => (await items(read(content))).map(({ body }) => body)

const task: NamedTask = {
  ...{ id: '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12', title: '=1+1', description: 'two\nlines', completed: true },
  ...{ completedAt: '2027-02-11T17:40:03.118402Z', priority: 'high', categoryId: null, category: 'Home', parentId: null, depth: 0 },
  ...{ dueDate: '2027-02-11', dueTime: '18:00', startDate: null, deadlineDate: null, durationMinutes: 90, timeZone: 'Europe/Berlin' },
  ...{ labels: ['a', 'b, c'], reminders: [{ at: null, minutesBefore: 15 }], recurrence: { rule: 'FREQ=DAILY', from: 'completion' } },
  ...{ nextOccurrenceId: null, sortKey: 'a0', revision: 1, createdAt: '2027-01-01T00:00:00Z', updatedAt: '2027-01-02T00:00:00Z' },
}

test('the columns of a task', async () => {
  expect(await text(writeCsv(each(task)))).toBe(
    [
      'id,parentId,category,title,description,completed,completedAt,priority,dueDate,dueTime,startDate,deadlineDate,durationMinutes,',
      'timeZone,labels,recurrence,reminders,sortKey,createdAt,updatedAt\r\n',
      '019c5a21-0d3b-7e62-9b1f-3a5d7c9e0f12,,Home,\'=1+1,"two\nlines",true,2027-02-11T17:40:03.118402Z,high,2027-02-11,18:00,,,90,',
      'Europe/Berlin,"a, b\\, c",FREQ=DAILY from completion,15 minutes before,a0,2027-01-01T00:00:00Z,2027-01-02T00:00:00Z\r\n',
    ].join(''),
  )
})

test('no value begins like a formula, and each comes back', async () => {
  const titles = ['=1', '+1', '-1', '@a', '\tx', '\rx', '\nx', '＝1', "'=1", "''=1", "'x", 'x=1']
  const written = await text(writeCsv(each(...titles.map(title => ({ ...task, title, description: null })))))
  const cells = written
    .split('\r\n')
    .slice(1, -1)
    .map(row => row.split(',')[3]?.replace(/^"/, ''))
  expect(cells.filter(cell => /^[=+\-@\t\r\n＝]/.test(cell ?? ''))).toEqual([])
  expect((await bodies(written)).map(({ title }) => title)).toEqual(titles)
})

describe.each([1, 3, 1000])('in pieces of %i bytes', size => {
  test('columns in any case and order, line ends of any kind, and lines counted within values', async () => {
    const content = '\ufeff Notes ,TITLE,Completed\r\nx,"a\r\n""b""\n",TRUE\n,,\n\r\ny,ü,\n'
    expect(await all(read(content, size))).toEqual([
      { line: 1, place: ' Notes ', reason: 'The column is unknown, so it is ignored.', lost: 'value' },
      { line: 2, item: { kind: 'task', body: { title: 'a\r\n"b"\n', completed: true } } },
      { line: 7, item: { kind: 'task', body: { title: 'ü' } } },
    ])
  })
})

test('each fault says line, column and reason', async () => {
  const content = 'title,completed,durationMinutes,reminders\nx,maybe,1.5,tomorrow\ny,,,"2027-03-01T14:30:00Z, 1 minute before"\n'
  expect(await all(read(content))).toEqual([
    { line: 2, place: 'completed', reason: 'Must be true or false.', lost: 'row' },
    { line: 2, place: 'durationMinutes', reason: 'Must be a whole number.', lost: 'row' },
    {
      ...{ line: 2, place: 'reminders', lost: 'row' },
      reason: 'Must be instants such as 2027-03-01T14:30:00Z, or such as 15 minutes before, separated by commas.',
    },
    {
      line: 3,
      item: {
        kind: 'task',
        body: {
          ...{ title: 'y', durationMinutes: null },
          reminders: [
            { at: '2027-03-01T14:30:00Z', minutesBefore: null },
            { at: null, minutesBefore: 1 },
          ],
        },
      },
    },
  ])
})

test('a fault in a record leaves the next one alone', async () => {
  const content = Buffer.concat([
    Buffer.from('title,labels\n5" disk,\n"a"b,\nonly one\nx,y,z\n'),
    Buffer.from([0xff, 0x2c, 0x0a]),
    Buffer.from('good," a ,b\\,c\\ ,,"\n'),
  ])
  expect(await summary(read(content))).toEqual([
    ...['2: null lost row', '3: null lost row', '4: null lost row', '5: null lost row', '6: null lost row'],
    '7: good',
  ])
  expect(await bodies('title,labels\nx," a ,b\\,c\\ ,,"\n')).toEqual([{ title: 'x', labels: ['a', 'b,c '] }])
})

test.each([
  ['nothing', '', null],
  ['no title', 'name,labels\nx,y\n', 'title'],
  ['content without type', 'CONTENT\nx\n', 'title'],
  ['a column twice', 'title,labels,Title\nx,y,z\n', 'Title'],
  ['101 columns', `title${',x'.repeat(100)}\n`, null],
  ['a malformed header', 'ti"tle\nx\n', null],
])('a header with %s ends the reading', async (_, content, place) => {
  expect((await all(read(content))).map(row => ('lost' in row ? [row.line, row.place, row.lost] : row))).toEqual([[1, place, 'rest']])
})

test.each([
  ['a quotation mark that is not closed', 'x,"', 'x\n'.repeat(200)],
  ['a line without end', '', 'x'.repeat(1000)],
  ['values without end', '', ','.repeat(1000)],
  ['quotation marks without end', '"', '""'.repeat(1000)],
])('%s is refused within 260 KiB', async (_, beginning, piece) => {
  const { source, bytes } = endless(`title,labels\n${beginning}`, piece)
  expect(await summary(readCsv(source, options))).toEqual(['2: null lost rest'])
  expect(bytes()).toBeLessThan(260 * 1024)
})

test('a quotation mark that the file does not close is a fault', async () => {
  expect(await summary(read('title\nx\n"y\nz\n'))).toEqual(['2: x', '3: null lost rest'])
})
