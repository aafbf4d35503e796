import { expect, test } from 'vitest'
import { findFault } from '../../src/domain/recurrence-rule.ts'
import { parseDue } from '../../src/exchange/due-text.ts'

const today = '2027-02-11' // a Thursday

test.each([
  ['2027-02-11', '2027-02-11', null],
  ['2027-02-11 18:00', '2027-02-11', '18:00'],
  ['2027-02-11T18:00:00', '2027-02-11', '18:00'],
  ['11 Feb', '2027-02-11', null],
  ['10 Feb', '2028-02-10', null],
  ['Feb 11 2026', '2026-02-11', null],
  ['11th  February, 2027', '2027-02-11', null],
  ['Sept 1', '2027-09-01', null],
  ['29 feb', '2028-02-29', null],
  ['Oct 5 2027 at 9am', '2027-10-05', '09:00'],
  ['Oct 5 @ 12:30 AM', '2027-10-05', '00:30'],
  ['5 oct 12pm', '2027-10-05', '12:00'],
])('%s', (text, dueDate, dueTime) => {
  expect(parseDue(text, today)).toEqual({ dueDate, dueTime, recurrence: null })
})

test.each([
  ['every day', '2027-02-11', 'FREQ=DAILY'],
  ['Daily', '2027-02-11', 'FREQ=DAILY'],
  ['every 2 weeks', '2027-02-11', 'FREQ=WEEKLY;INTERVAL=2'],
  ['every other month', '2027-02-11', 'FREQ=MONTHLY;INTERVAL=2'],
  ['every year', '2027-02-11', 'FREQ=YEARLY'],
  ['every monday', '2027-02-15', 'FREQ=WEEKLY;BYDAY=MO'],
  ['every thursday', '2027-02-11', 'FREQ=WEEKLY;BYDAY=TH'],
  ['every other fri', '2027-02-12', 'FREQ=WEEKLY;INTERVAL=2;BYDAY=FR'],
  ['every sat, mon and wed', '2027-02-13', 'FREQ=WEEKLY;BYDAY=MO,WE,SA'],
  ['every weekday', '2027-02-11', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR'],
  ['every 31st', '2027-03-31', 'FREQ=MONTHLY;BYMONTHDAY=31'],
  ['every last day', '2027-02-28', 'FREQ=MONTHLY;BYMONTHDAY=-1'],
  ['every 1 jan', '2028-01-01', 'FREQ=YEARLY'],
  ['every monday starting 1 Mar 2027', '2027-03-01', 'FREQ=WEEKLY;BYDAY=MO'],
])('%s', (text, dueDate, rule) => {
  expect(parseDue(text, today)).toEqual({ dueDate, dueTime: null, recurrence: { rule, from: 'due' } })
  expect(findFault(rule)).toBeNull()
})

test('a series with a time, and one that counts from the completion', () => {
  expect(parseDue('every! 3 days at 18:30', today)).toEqual({
    ...{ dueDate: '2027-02-11', dueTime: '18:30' },
    recurrence: { rule: 'FREQ=DAILY;INTERVAL=3', from: 'completion' },
  })
})

test.each([
  ...[
    'tomorrow',
    'monday',
    'in 3 days',
    'next week',
    '11',
    '11/02',
    '11/02/2027',
    'feb',
    '30 feb',
    'feb 11 27',
    '2027-02-30',
    '2027-13-01',
  ],
  ...[
    'every',
    'every 0 days',
    'every hour',
    'every 32nd',
    'every holiday',
    'every monday until 1 Mar',
    'every 27 feb 2027',
    'ev day',
    '25:00',
  ],
  ...['11 Feb 25:00', '11 Feb 13pm', '11 Feb 0am', '11 Feb 9', '11 11 feb', 'feb feb 11', '2027-02-11T18:00Z', 'every monday at noon', ''],
])('"%s" is never guessed', text => {
  expect(parseDue(text, today)).toBeNull()
})
