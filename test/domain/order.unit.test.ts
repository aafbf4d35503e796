// Keys between keys, keys for a whole row of tasks, and positions of categories in step with their keys.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSortKey } from '../../src/contract/sort-key.ts'
import { inStep, type Keyed, keyBetween, maxPosition, positionKey, positionOf, spread } from '../../src/domain/order.ts'

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const smallest = `A${'0'.repeat(26)}`
const lowest = `A${'0'.repeat(25)}1`
const highest = `z${'z'.repeat(26)}`

/** The server's key of a task, as the database makes it. */
const taskKey = (micros: number) => `m${micros.toString(16).padStart(13, '0')}`
const instants = fc.integer({ min: 0, max: 16 ** 13 - 1 })
const keys = fc.oneof(
  instants.map(taskKey),
  fc.constantFrom(lowest, `${smallest}V`, highest, `${highest}V`, 'a0', 'Zz', 'a0V', 'a01'),
  fc.string({ unit: fc.constantFrom(...digits), minLength: 2, maxLength: 40 }).filter(text => isSortKey(text) && /^[A-Za-z]/.test(text)),
)

describe('the server’s key of a task', () => {
  test('is a key of the library, also when it ends in zeros', () => {
    fc.assert(fc.property(instants, micros => isSortKey(taskKey(micros))))
    for (const micros of [0, 16, 16 ** 12, 0x6450000000000]) expect(isSortKey(taskKey(micros))).toBe(true)
  })

  test('leaves room for a short key between those of two successive microseconds', () => {
    const [lower, upper] = [taskKey(1_802_367_603_118_402), taskKey(1_802_367_603_118_403)]
    expect(keyBetween({ lower, upper })).toBe(`${lower}V`)
  })
})

describe('keyBetween', () => {
  test('makes a key between any two, and beyond each', () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const [lower, upper] = a < b ? [a, b] : [b, a]
        const made = [
          keyBetween({ lower: null, upper: lower }),
          ...(lower === upper ? [] : [keyBetween({ lower, upper })]),
          keyBetween({ lower: upper, upper: null }),
        ]
        for (const key of made) expect([key, isSortKey(key)]).toEqual([key, true])
        const all = [made[0], lower, ...(lower === upper ? [] : [made[1], upper]), made.at(-1)]
        expect(all).toEqual([...new Set(all)].sort())
      }),
    )
  })

  test('makes no key that the library refuses', () => {
    expect(isSortKey(smallest)).toBe(false)
    expect(keyBetween({ lower: null, upper: lowest })).toBe(`${smallest}V`)
  })
})

describe('spread', () => {
  const rows = (all: string[]): Keyed[] => all.map((key, index) => ({ id: `${index}`, key }))

  test('gives all rows other keys in the same order, short ones, between the rows that stay', () => {
    const long = (n: number) => `a0${'V'.repeat(180)}${digits[n]}`
    const all = rows(['a0', ...Array.from({ length: 8 }, (_, n) => long(n + 1)), 'a1'])
    const [before, after] = [all.slice(0, 5).reverse(), all.slice(5)]
    const made = spread(before, after, 4)
    expect(made.map(({ id }) => id)).toEqual([...'12345678'])
    const order = ['a0', ...made.map(({ key }) => key), 'a1']
    expect(order).toEqual([...new Set(order)].sort())
    for (const { key } of made) expect(key.length).toBeLessThan(5)
  })

  test.for([
    ['before the first row', [], ['a0', 'a1', 'a2']],
    ['after the last row', ['a2', 'a1', 'a0'], []],
    ['between all', ['a1', 'a0'], ['a2', 'a2', 'a3']],
    ['at the lowest key', [], [lowest, lowest, 'a0']],
  ] as const)('%s keeps the order', ([, before, after]) => {
    const named = (all: readonly string[], side: string) => all.map((key, index) => ({ id: `${side}${index}`, key }))
    for (const reach of [2, 50]) {
      const [left, right] = [named(before, 'l'), named(after, 'r')]
      const made = spread(left, right, reach)
      expect(made.map(({ id }) => id)).toEqual([...left.slice(0, reach).reverse(), ...right.slice(0, reach)].map(({ id }) => id))
      const order = made.map(({ key }) => key)
      expect(order).toEqual([...new Set(order)].sort())
      expect(order.every(isSortKey)).toBe(true)
    }
  })
})

describe('the position of a category', () => {
  const positions = fc.integer({ min: 0, max: maxPosition })
  const categoryKey = ([position, micros]: readonly [number, number]) => `${positionKey(position)}${micros.toString(16).padStart(13, '0')}1`
  const categories = fc.tuple(positions, instants)

  test('is that of the server’s key, which is one of the library', () => {
    fc.assert(fc.property(categories, category => isSortKey(categoryKey(category)) && positionOf(categoryKey(category)) === category[0]))
  })

  test('never contradicts the order by key', () => {
    const placed = fc.oneof(
      categories.map(category => ({ key: categoryKey(category), position: category[0] })),
      keys.map(key => ({ key, position: positionOf(key) })),
    )
    fc.assert(fc.property(placed, placed, (a, b) => (a.key <= b.key ? a.position <= b.position : a.position >= b.position)))
  })

  test.for([
    ['a0', 0],
    ['h00000001', 1],
    ['h0000000Z', 9],
    ['h0000000a', 10],
    ['h000f4240', maxPosition],
    ['zz', maxPosition],
  ] as const)('%s has %i', ([key, position]) => {
    expect(positionOf(key)).toBe(position)
  })

  test('follows a key, and replaces it otherwise', () => {
    expect(inStep<{ name: string; position?: number; sortKey?: string | null }>({ name: 'a', position: 3, sortKey: 'h00000007' })).toEqual({
      name: 'a',
      position: 7,
      sortKey: 'h00000007',
    })
    expect(inStep({ position: 3 })).toEqual({ position: 3, sortKey: null })
    expect(inStep({ position: 3, sortKey: null })).toEqual({ position: 3, sortKey: null })
    expect(inStep({ sortKey: null })).toEqual({ sortKey: null })
    expect(inStep({})).toEqual({})
  })
})
