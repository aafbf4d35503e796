// Hostile files. What counts is how much of them is asked for: a file without end must be refused after its first component.
import { expect, test } from 'vitest'
import { readTodos } from '../../src/exchange/calendar-todos.ts'
import { endless, pieces, summary } from './read.ts'

const begin = 'BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\n'

test.each([
  ['folded lines without end', `${begin}SUMMARY:x\r\n`, ' x\r\n'.repeat(50), '3: null lost rest'],
  ['empty folded lines without end', `${begin}SUMMARY:x\r\n`, ' \r\n'.repeat(50), '3: null lost rest'],
  ['empty lines without end', `${begin}SUMMARY:x\r\n`, '\r\n'.repeat(50), '3: null lost rest'],
  ['empty lines alone', '', '\r\n'.repeat(50), '1: null lost rest'],
  ['a property without end', `${begin}SUMMARY:`, 'x'.repeat(200), '3: null lost rest'],
  ['properties without end', begin, 'SUMMARY:x\r\n', '2: VTODO lost rest'],
  ['alarms without end', begin, 'BEGIN:VALARM\r\nTRIGGER:PT0S\r\nEND:VALARM\r\n', '2: VTODO lost rest'],
  ['components within each other', begin, 'BEGIN:VALARM\r\n', '2: VTODO lost rest'],
  ['parameters without end', `${begin}DUE`, ';A=1'.repeat(50), '3: null lost rest'],
  ['no calendar', '', '<html>\r\n', '1: null lost rest'],
  ['a line before the calendar without end', '', 'x'.repeat(200), '1: null lost rest'],
])('%s: the rest is not asked for', async (_, beginning, piece, fault) => {
  const { source, bytes } = endless(beginning, piece)
  expect(await summary(readTodos(source))).toEqual([fault])
  expect(bytes()).toBeLessThan(65 * 1024)
})

test('a rule is not expanded', async () => {
  const content = `${begin}SUMMARY:x\r\nDUE:20270211T170000\r\nRRULE:FREQ=SECONDLY;COUNT=999999999;BYSECOND=1,2,3\r\nEND:VTODO\r\n`
  expect(await summary(readTodos(pieces(content)))).toEqual(['2: x'])
})

test('a time zone is not read', async () => {
  const rule = 'RRULE:FREQ=SECONDLY;INTERVAL=0\r\n'
  const zone = `BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:00010101T000000\r\n${rule}END:STANDARD\r\nEND:VTIMEZONE\r\n`
  const content = `BEGIN:VCALENDAR\r\n${zone.repeat(3)}BEGIN:VTODO\r\nSUMMARY:x\r\nDUE;TZID=Europe/Berlin:20270211T170000\r\nEND:VTODO\r\n`
  expect(await summary(readTodos(pieces(content)))).toEqual(['23: x'])
})

test.each([
  ['an empty file', '', ['1: null lost rest']],
  ['no END at all', `${begin}SUMMARY:x\r\n`, ['2: VTODO lost rest']],
  ['no END before the next', `${begin}SUMMARY:x\r\nBEGIN:VTODO\r\nSUMMARY:y\r\nEND:VTODO\r\n`, ['2: VTODO lost row', '4: y']],
  [
    'no END before that of the calendar',
    `${begin}SUMMARY:x\r\nEND:VCALENDAR\r\n${begin}SUMMARY:y\r\nEND:VTODO\r\n`,
    ['2: VTODO lost row', '6: y'],
  ],
  ['an alarm without END', `${begin}BEGIN:VALARM\r\nTRIGGER:PT0S\r\nEND:VTODO\r\n`, ['2: VTODO lost row']],
  ['ENDs that cross', `${begin}BEGIN:VALARM\r\nBEGIN:X-A\r\nEND:VALARM\r\nEND:X-A\r\nEND:VTODO\r\n`, ['2: VTODO lost row']],
  ['an END without BEGIN', `${begin}SUMMARY:x\r\nEND:VALARM\r\nEND:VTODO\r\nEND:VTODO\r\n`, ['2: x']],
  ['properties of an inner component', `${begin}SUMMARY:x\r\nBEGIN:X-A\r\nSUMMARY:y\r\nEND:X-A\r\nEND:VTODO\r\n`, ['2: x']],
  ['lower case and white space', 'begin:vcalendar\nbegin:vtodo \nsummary:x\nend:vtodo\n', ['2: x']],
])('%s', async (_, content, rows) => {
  expect(await summary(readTodos(pieces(content, 3)))).toEqual(rows)
})
