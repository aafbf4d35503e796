import { expect, test } from 'vitest'
import { readTodos } from '../../src/exchange/calendar-todos.ts'
import { all, file, items, pieces, summary } from './read.ts'

const read = (content: string | Buffer) => readTodos(pieces(content, 10))
const todo = (...lines: string[]) => ['BEGIN:VCALENDAR', 'BEGIN:VTODO', ...lines, 'END:VTODO', 'END:VCALENDAR', ''].join('\r\n')
const bodyOf = async (...lines: string[]) => (await items(read(todo(...lines))))[0]?.body
const faultsOf = async (...lines: string[]) =>
  (await all(read(todo(...lines)))).flatMap(row => ('lost' in row ? [`${row.line} ${row.place} ${row.lost}`] : []))

const none = {
  ...{ description: null, completed: false, completedAt: null, priority: 'none', parentId: null, dueDate: null, dueTime: null },
  ...{ timeZone: null, startDate: null, deadlineDate: null, durationMinutes: null, labels: [], recurrence: null, reminders: [] },
}

test('Tasks.org', async () => {
  expect(await items(read(file('tasks-org.ics')))).toEqual([
    {
      ...{ kind: 'task', id: 'fb9e57b9-e45e-8d18-b69d-24a91392325f', category: null },
      body: {
        ...{ ...none, id: 'fb9e57b9-e45e-8d18-b69d-24a91392325f', title: 'Water the plants', priority: 'low' },
        ...{ labels: ['home,garden', 'weekly'], parentId: '3b96c64a-b828-8a23-80c3-942bde6b07f9' },
        ...{ dueDate: '2027-02-11', dueTime: '17:00', timeZone: 'Europe/Berlin', startDate: '2027-02-10' },
        recurrence: { rule: 'FREQ=WEEKLY;INTERVAL=1;BYDAY=TH', from: 'due' },
        reminders: [
          { at: null, minutesBefore: 0 },
          { at: '2027-02-11T10:00:00Z', minutesBefore: null },
        ],
        ...{ createdAt: '2027-02-02T06:04:51Z', updatedAt: '2027-02-02T07:41:54Z' },
      },
    },
  ])
})

test('Nextcloud Tasks', async () => {
  const [parent, subtask] = await items(read(file('nextcloud.ics')))
  const id = '838bdba9-f511-4dc7-8686-aaad8728e9bd'
  expect(parent?.body).toEqual({
    ...{ ...none, id, title: 'Feed the cat', description: 'Twice a day\nNot more', priority: 'medium', labels: ['pets', 'home'] },
    ...{ dueDate: '2027-02-03', startDate: '2027-02-01', reminders: [{ at: null, minutesBefore: 24 * 60 }] },
  })
  expect(subtask?.body).toEqual({ ...none, id: subtask?.id, title: 'Buy cat food', parentId: id, completed: true })
})

test('Apple Reminders', async () => {
  const [task] = await items(read(file('apple.ics')))
  expect(task?.body).toEqual({
    ...{ ...none, id: '8f2a1c5e-4b3d-4a6f-9c2e-1d0b7a8f9c01', priority: 'high', timeZone: 'Australia/Sydney' },
    title: '💪 Pay the rent for the flat in the house with the very long name at the harbour',
    ...{ dueDate: '2027-09-10', dueTime: '09:00', reminders: [{ at: null, minutesBefore: 15 }] },
    recurrence: { rule: 'FREQ=MONTHLY;UNTIL=20271231', from: 'due' }, // 13:00 UTC is midnight in Sydney
    ...{ createdAt: '2027-09-01T08:12:33Z', updatedAt: '2027-09-02T10:14:00Z' },
  })
})

test('Thunderbird, with a date of a series that differs', async () => {
  const rows = await all(read(file('thunderbird.ics')))
  expect(rows).toHaveLength(3)
  expect(rows[0]).toEqual({ line: 13, place: 'EXDATE', reason: 'A series has one rule, and no exceptions.', lost: 'value' })
  expect(rows[1]).toMatchObject({
    line: 4,
    item: {
      id: 'f4a682ac-86f2-4f81-a08e-ccbff061d7da',
      body: {
        ...{ dueDate: '2027-03-04', dueTime: '18:00', timeZone: 'Europe/Berlin', startDate: '2027-03-04' },
        ...{ recurrence: { rule: 'FREQ=DAILY;COUNT=5', from: 'due' }, reminders: [{ at: null, minutesBefore: 630 }] },
      },
    },
  })
  expect(rows[2]).toMatchObject({ line: 26, place: 'RECURRENCE-ID', lost: 'row' })
})

test('Evolution, with a task that was cancelled', async () => {
  const [task] = await items(read(file('evolution.ics')))
  expect(task?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const times = { dueDate: '2027-01-24', dueTime: '16:00', timeZone: 'Europe/Ljubljana', startDate: '2027-01-23' }
  const instants = { createdAt: '2027-01-23T13:59:31Z', updatedAt: '2027-01-23T13:59:31Z' }
  expect(task?.body).toEqual({ ...none, ...times, ...instants, id: task?.id, title: 'Call the bank', priority: 'high', completed: true })
})

test.each([
  ['DUE:20270211T170000Z', { dueDate: '2027-02-11', dueTime: '17:00', timeZone: 'UTC' }],
  ['DUE:20270211T170000', { dueDate: '2027-02-11', dueTime: '17:00', timeZone: null }],
  ['DUE;TZID="W. Europe Standard Time":20270211T170000', { dueTime: '17:00', timeZone: 'Europe/Berlin' }],
  ['DUE:20270211', { dueDate: '2027-02-11', dueTime: null }],
  ['due;value=date:20270211', { dueDate: '2027-02-11' }],
  ['DTSTART:20270210T230000Z\r\nDUE;TZID=Europe/Berlin:20270212T000000', { startDate: '2027-02-11' }],
  ['DTSTART;VALUE=DATE:20270210\r\nDURATION:P2D', { dueDate: '2027-02-12', dueTime: null, startDate: '2027-02-10' }],
  ['DTSTART:20270210T230000Z\r\nDURATION:PT90M', { dueDate: '2027-02-11', dueTime: '00:30', timeZone: 'UTC' }],
  ['STATUS:NEEDS-ACTION\r\nPERCENT-COMPLETE:100', { completed: false }],
  ['COMPLETED:20270211T170000Z', { completed: true, completedAt: '2027-02-11T17:00:00Z' }],
  ['PERCENT-COMPLETE:100', { completed: true }],
  ['CATEGORIES:a\\,b,c\\\\,,a\\,b', { labels: ['a,b', 'c\\'] }],
  ['RELATED-TO;RELTYPE=CHILD:x', { parentId: null }],
  ['RELATED-TO;RELTYPE=parent:urn:uuid:838BDBA9-F511-4DC7-8686-AAAD8728E9BD', { parentId: '838bdba9-f511-4dc7-8686-aaad8728e9bd' }],
  ['DUE;VALUE=DATE:20270211\r\nRRULE:freq=daily;until=20270301;', { recurrence: { rule: 'FREQ=DAILY;UNTIL=20270301', from: 'due' } }],
  ['DESCRIPTION;ALTREP="cid:a;b,c":x\\, y', { description: 'x, y' }],
])('%s', async (lines, fields) => {
  expect(await bodyOf('SUMMARY:x', lines)).toMatchObject(fields)
})

test.each([
  ['a day that does not exist', 'DUE:20270230', '4 DUE row'],
  ['a time that does not exist', 'DUE:20270211T250000', '4 DUE row'],
  ['a zone that nobody knows', 'DUE;TZID=Customized Time Zone:20270211T170000', '4 DUE row'],
  ['a zone within a name that is no path', 'DUE;TZID=Mars/Japan:20270211T170000', '4 DUE row'],
  ['a duration that is none', 'DTSTART:20270211T170000\r\nDURATION:soon', '5 DURATION row'],
  ['a priority that is none', 'PRIORITY:urgent', '4 PRIORITY row'],
  ['a parameter without a value', 'DUE;TZID:20270211', '4 DUE row'],
  ['a line without a name', '::', '4 null row'],
  ['a series without a due date', 'RRULE:FREQ=DAILY', '4 RRULE value'],
  ['an alarm after the task is due', 'BEGIN:VALARM\r\nTRIGGER;RELATED=END:PT1H\r\nEND:VALARM\r\nDUE:20270211T170000', '5 TRIGGER value'],
  ['an alarm of a task without a date', 'BEGIN:VALARM\r\nTRIGGER:-PT1H\r\nEND:VALARM', '5 TRIGGER value'],
])('%s is a fault', async (_, lines, fault) => {
  expect(await faultsOf('SUMMARY:x', lines)).toEqual([fault])
})

test('names of objects in JavaScript mean nothing', async () => {
  const lines = ['__PROTO__:x', 'CONSTRUCTOR:x', 'SUMMARY;__PROTO__=x;VALUE=CONSTRUCTOR:y', 'CATEGORIES;VALUE=__PROTO__:toString']
  expect(await bodyOf(...lines)).toEqual({ ...none, title: 'y', labels: ['toString'] })
})

test('text that is not UTF-8 is a fault of its component', async () => {
  const bad = Buffer.concat([Buffer.from('BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:'), Buffer.from([0xff]), Buffer.from('\nEND:VTODO\n')])
  const content = Buffer.concat([bad, Buffer.from('BEGIN:VTODO\nSUMMARY:good\nEND:VTODO\nEND:VCALENDAR\n')])
  expect(await summary(read(content))).toEqual(['3: null lost row', '5: good'])
})

test('a fold may cut a character', async () => {
  const [first, second] = [Buffer.from('ä').subarray(0, 1), Buffer.from('ä').subarray(1)]
  const content = [Buffer.from('BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:'), first, Buffer.from('\r\n '), second, Buffer.from('\nEND:VTODO\n')]
  expect(await summary(read(Buffer.concat(content)))).toEqual(['2: ä'])
})
