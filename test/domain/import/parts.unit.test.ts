import { expect, test } from 'vitest'
import { inParts, type Refusal } from '../../../src/domain/import/parts.ts'

const bad: Refusal = { place: null, reason: 'bad' }

/** Writes numbers; a part with one of `refused` is refused as a whole. */
async function written(count: number, refused: number[], left: (part: readonly number[]) => readonly number[] = () => []) {
  const log = { parts: [] as (readonly number[])[], refused: [] as number[] }
  await inParts(
    Array.from({ length: count }, (_, i) => i),
    async part => {
      if (part.some(each => refused.includes(each))) throw new RangeError('bad')
      log.parts.push(part)
      return left(part)
    },
    error => (error instanceof RangeError ? [bad] : undefined),
    (entry, reasons) => {
      expect(reasons).toEqual([bad])
      log.refused.push(entry)
    },
  )
  return log
}

test('a part that is written is one', async () => {
  expect(await written(5, [])).toEqual({ parts: [[0, 1, 2, 3, 4]], refused: [] })
  expect(await written(0, [])).toEqual({ parts: [], refused: [] })
})

test('an entry that is refused costs a few parts, in the order of the entries', async () => {
  const { parts, refused } = await written(200, [77])
  expect(refused).toEqual([77])
  expect(parts.flat()).toEqual(Array.from({ length: 200 }, (_, i) => i).filter(each => each !== 77))
  expect(parts.length).toBeLessThan(10)
})

test('what is left is written before what comes after', async () => {
  const { parts } = await written(8, [7], part => (part.includes(0) ? part.slice(2) : []))
  expect(parts).toEqual([[0, 1, 2, 3], [2, 3], [4, 5], [6]])
})

test('another error ends it', async () => {
  const write = async () => {
    throw new TypeError('no connection')
  }
  await expect(inParts([1, 2], write, () => undefined, expect.fail)).rejects.toThrow('no connection')
})
