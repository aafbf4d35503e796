import { describe, expect, test } from 'vitest'
import { Problem } from '../../src/contract/problem.ts'
import { createPlaces } from '../../src/database/places.ts'

const soon = () => Date.now() + 200
const later = () => Date.now() + 60_000

describe('createPlaces', () => {
  test('holders that stay count, except for so many slow ones', async () => {
    const take = createPlaces(2, 3)
    const held = await Promise.all(Array.from({ length: 5 }, () => take(later())))
    await expect(take(soon())).rejects.toThrow(Problem)
    for (const giveBack of held) giveBack()
  })

  test('a place is given back once', async () => {
    const take = createPlaces(1, 0)
    const giveBack = await take(later())
    giveBack()
    giveBack()
    const next = await take(later())
    await expect(take(soon())).rejects.toThrow(Problem)
    next()
  })

  test('the place of a slow holder is free for another slow one after it', async () => {
    const take = createPlaces(1, 1)
    const slow = await take(later())
    const second = await take(later())
    await expect(take(soon())).rejects.toThrow(Problem)
    slow()
    second()
    const held = await Promise.all([take(later()), take(later())])
    await expect(take(soon())).rejects.toThrow(Problem)
    for (const giveBack of held) giveBack()
  })
})
