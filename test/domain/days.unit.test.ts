import { expect, test } from 'vitest'
import { dayOf, daysBetween, moveDate, moveInstant } from '../../src/domain/days.ts'

test('dayOf gives the day of an instant in a time zone', () => {
  const instant = '2027-03-01T11:30:00.123456Z'
  expect(dayOf(instant, 'UTC')).toBe('2027-03-01')
  expect(dayOf(instant, 'Pacific/Kiritimati')).toBe('2027-03-02')
  expect(dayOf('2027-03-01T10:30:00Z', 'Pacific/Pago_Pago')).toBe('2027-02-28')
})

test('daysBetween and moveDate are inverse, also over leap days', () => {
  expect(daysBetween('2028-02-28', '2028-03-01')).toBe(2)
  expect(daysBetween('2027-03-01', '2027-02-28')).toBe(-1)
  expect(moveDate('2028-02-28', 2)).toBe('2028-03-01')
  expect(moveDate('2027-03-01', -1)).toBe('2027-02-28')
  expect(moveDate('0001-01-01', daysBetween('0001-01-01', '9999-12-31'))).toBe('9999-12-31')
})

test('no date and no instant leaves the years of the spec', () => {
  expect([moveDate('9999-12-30', 7), moveDate('0001-01-02', -7)]).toEqual(['9999-12-31', '0001-01-01'])
  expect(moveInstant('9999-12-30T08:00:00Z', 7, 'UTC')).toBe('9999-12-31T23:59:59Z')
  expect(moveInstant('0001-01-02T08:00:00Z', -7, 'UTC')).toBe('0001-01-01T00:00:00Z')
})

test('moveInstant keeps the time of the wall clock', () => {
  // Helsinki goes from UTC+2 to UTC+3 on 2027-03-28 at 03:00.
  expect(moveInstant('2027-03-27T06:00:00.5Z', 1, 'Europe/Helsinki')).toBe('2027-03-28T05:00:00.5Z')
  expect(moveInstant('2027-03-28T05:00:00Z', -1, 'Europe/Helsinki')).toBe('2027-03-27T06:00:00Z')
  expect(moveInstant('2027-03-27T06:00:00.123456Z', 1, 'UTC')).toBe('2027-03-28T06:00:00.123456Z')
  expect(moveInstant('2027-03-27T01:30:00Z', 1, 'Europe/Helsinki'), 'a time that the clock skips').toBe('2027-03-28T01:30:00Z')
})
