// Values of the driver in the form of the API.
import { expect, test } from 'vitest'
import { WrongSetting } from '../../src/database/session.ts'
import { detachRows, type Result, types } from '../../src/database/types.ts'

test('rows are detached from their result, which may begin with gaps', () => {
  const columns = [{ name: 'id' }, { name: 'title' }]
  const resultOf = (rows: unknown[][]) => Object.defineProperty(rows, 'columns', { value: columns }) as Result
  const gaps = Array(3) as unknown[][]
  gaps.push(['1', 'a'], ['2', null])
  const result = resultOf(gaps)
  const rows = [
    { id: '1', title: 'a' },
    { id: '2', title: null },
  ]
  expect(detachRows(result)).toEqual(rows)
  expect(result).toHaveLength(0)
  expect(
    detachRows(
      resultOf([
        ['1', 'a'],
        ['2', null],
      ]),
    ),
  ).toEqual(rows)
  expect(detachRows(resultOf([]))).toEqual([])
})

test('an instant is as PostgreSQL has it, to the microsecond', () => {
  expect(types.instant.parse('2027-03-01 09:30:00.123456+00')).toBe('2027-03-01T09:30:00.123456Z')
  expect(types.instant.parse('2027-03-01 09:30:00+00')).toBe('2027-03-01T09:30:00Z')
})

test('a value of a session with other settings is refused, because it would be read as another one', () => {
  for (const text of ['2027-03-01 11:30:00+02', '01.03.2027 09:30:00 UTC', 'Mon 01 Mar 09:30:00 2027 UTC'])
    expect(() => types.instant.parse(text)).toThrow(WrongSetting)
  expect(() => types.date.parse('01.03.2027')).toThrow(WrongSetting)
  expect(types.date.parse('2027-03-01')).toBe('2027-03-01')
})
