import { expect, test } from 'vitest'
import { inChunks } from '../../src/exchange/chunks.ts'
import { all, each } from './read.ts'

test('rows become pieces of 64 KiB or a little more, and the last is what is left', async () => {
  const row = 'x'.repeat(1000)
  const pieces = await all(inChunks(each(...Array<string>(100).fill(row), 'end')))
  expect(pieces.map(({ length }) => length)).toEqual([66_000, 34_003])
  expect(pieces.join('')).toBe(`${row.repeat(100)}end`)
})

test('no rows are no pieces', async () => {
  expect(await all(inChunks(each()))).toEqual([])
  expect(await all(inChunks(each('')))).toEqual([])
})
