import { expect, test } from 'vitest'
import { readCsv } from '../../src/exchange/csv.ts'
import { all, file, items, pieces, summary } from './read.ts'

const options = { today: '2027-02-11', seed: 'Home.csv' }
const read = (content: string | Buffer) => readCsv(pieces(content), options)
const header = 'TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,DATE,DATE_LANG,TIMEZONE,DURATION,DURATION_UNIT,DEADLINE,DEADLINE_LANG'

test('an exported project', async () => {
  const [basil, compost, order, ferns, hand] = await items(read(file('todoist.csv')))
  const none = { description: null, priority: 'none', dueDate: null, dueTime: null, timeZone: null, recurrence: null, deadlineDate: null }
  const plain = { ...none, durationMinutes: null, labels: [], parentId: null, id: expect.any(String) }
  expect(basil).toMatchObject({ category: null })
  expect(basil?.body).toEqual({
    ...plain,
    ...{ title: 'Repot the basil', labels: ['garden', 'weekend'], priority: 'high', dueDate: '2027-10-05', durationMinutes: 30 },
    description: 'In the shed\n\nTake the large pot\n\nAnd the gloves',
  })
  expect(compost?.body).toEqual({ ...plain, title: 'Buy compost', parentId: basil?.id, deadlineDate: '2027-10-09' })
  expect(order?.body).toEqual({ ...plain, title: 'Order "loose" compost', parentId: compost?.id, priority: 'low' })
  expect(ferns).toMatchObject({ category: 'Weekly' })
  const monday = {
    dueDate: '2027-02-15',
    dueTime: '09:00',
    timeZone: 'Africa/Cairo',
    recurrence: { rule: 'FREQ=WEEKLY;BYDAY=MO', from: 'due' },
  }
  expect(ferns?.body).toEqual({ ...plain, ...monday, title: 'Water the ferns', priority: 'medium', durationMinutes: 1440 })
  expect(hand?.body).toEqual({ ...plain, title: '@home', labels: ['home'] })
})

test('the same file gets the same ids, and another file gets others', async () => {
  const ids = async (seed: string) => (await items(readCsv(pieces(file('todoist.csv')), { ...options, seed }))).map(({ id }) => id)
  const first = await ids('Home.csv')
  expect(await ids('Home.csv')).toEqual(first)
  expect(new Set([...first, ...(await ids('Work.csv'))]).size).toBe(2 * first.length)
})

test('what cannot be read is a fault of its column, and subtasks of a lost task are lost', async () => {
  const rows = [
    ...[
      'task,a,,4,1,next full moon,en,,,,,',
      'task,b,,4,2,,,,,,,',
      'task,c,,4,3,,,,,,,',
      'task,d,,9,0,,,,many,,soon,',
      'note,lost,,,,,,,,,,',
    ],
    ...[
      'task,e,,,1,2027-03-01 18:00,en,Mars/Olympus,,,,',
      'folder,f,,,,,,,,,,',
      'task,g,,,1,jeden Tag,de,,,,,',
      'task,h,,,1,2027-03-01,de,,,,,',
    ],
  ]
  expect(await summary(read([header, ...rows].join('\r\n')))).toEqual([
    ...['2: DATE lost row', '3: INDENT lost row', '4: INDENT lost row', '5: PRIORITY lost row', '5: DEADLINE lost row'],
    ...[
      '5: DURATION lost row',
      '5: INDENT lost row',
      '6: TYPE lost row',
      '7: TIMEZONE lost row',
      '8: TYPE lost row',
      '9: DATE lost row',
      '10: h',
    ],
  ])
})

test('a title is not a formula, so an apostrophe in it is kept', async () => {
  expect((await all(read(`${header}\ntask,'=1,,,,,,,,,,\n`)))[0]).toMatchObject({ item: { body: { title: "'=1" } } })
})
