import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Problem } from '../../src/contract/problem.ts'
import { createPlaces, placesOf } from '../../src/database/places.ts'

test.for([
  [1, 1, 1, 1],
  [2, 1, 1, 1],
  [3, 1, 2, 2],
  [5, 1, 2, 2],
  [10, 1, 2, 4],
  [10, 2, 1, 4],
  [10, 8, 1, 4],
  [20, 1, 4, 9],
  [100, 4, 5, 49],
] as const)(
  'with %i connections, each of %i processes has %i shared statements in flight, and %i with slow ones',
  ([poolSize, processes, few, most]) => {
    expect(placesOf(poolSize, processes)).toEqual({ few, most })
  },
)

describe('createPlaces', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  const deadline = () => Date.now() + 1_000

  /** Takes places, and counts those that were given. */
  function takeAll(take: ReturnType<typeof createPlaces>, count: number) {
    const held: Awaited<ReturnType<typeof take>>[] = []
    for (let i = 0; i < count; i++)
      void take(deadline()).then(
        each => held.push(each),
        () => {},
      )
    return held
  }

  test('a statement counts until it has taken 50 ms, from when it is sent', async () => {
    const held = takeAll(createPlaces({ few: 2, most: 3 }), 3)
    await vi.advanceTimersByTimeAsync(500)
    expect(held).toHaveLength(2)
    held[0]?.start()
    await vi.advanceTimersByTimeAsync(49)
    held[0]?.start() // sent again over another connection
    expect(held).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(1)
    expect(held).toHaveLength(3)
  })

  test('slow ones take `most` places, and the end of any lets the next in', async () => {
    const held = takeAll(createPlaces({ few: 1, most: 3 }), 5)
    for (let i = 0; i < 6; i++) {
      for (const each of held) each.start()
      await vi.advanceTimersByTimeAsync(50)
    }
    expect(held).toHaveLength(3)
    held[1]?.release()
    await vi.advanceTimersByTimeAsync(0)
    expect(held).toHaveLength(4)
  })

  test('a place is given back once, also by a slow statement', async () => {
    const take = createPlaces({ few: 1, most: 2 })
    const [slow] = [await take(deadline())]
    slow.start()
    await vi.advanceTimersByTimeAsync(50)
    slow.release()
    slow.release()
    const held = takeAll(take, 3)
    await vi.advanceTimersByTimeAsync(0)
    expect(held).toHaveLength(1)
  })

  test('a caller that is refused leaves its place to others', async () => {
    const take = createPlaces({ few: 1, most: 2 })
    const first = await take(deadline())
    const refused = expect(take(deadline())).rejects.toThrow(Problem)
    await vi.advanceTimersByTimeAsync(1_100)
    await refused
    first.start()
    await vi.advanceTimersByTimeAsync(50)
    const held = takeAll(take, 1)
    await vi.advanceTimersByTimeAsync(0)
    expect(held).toHaveLength(1)
  })
})
