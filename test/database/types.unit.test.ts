// Values of the driver in the form of the API.
import { expect, test } from 'vitest'
import { detachRows, types } from '../../src/database/types.ts'

test('rows are detached from their result, which may begin with gaps', () => {
  const [result, rows] = [Array(3) as string[], ['a', 'b']]
  result.push(...rows)
  expect(detachRows(result)).toEqual(rows)
  expect(result).toEqual([])
  expect(detachRows([...rows])).toEqual(rows)
  expect(detachRows([])).toEqual([])
})

test('an instant is as PostgreSQL has it, to the microsecond', () => {
  expect(types.instant.parse('2027-03-01 09:30:00.123456+00')).toBe('2027-03-01T09:30:00.123456Z')
  expect(types.instant.parse('2027-03-01 09:30:00+00')).toBe('2027-03-01T09:30:00Z')
})
