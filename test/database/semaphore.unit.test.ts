import { describe, expect, test } from 'vitest'
import { Problem } from '../../src/contract/problem.ts'
import { createSemaphore } from '../../src/database/semaphore.ts'

const soon = () => Date.now() + 20
const later = () => Date.now() + 5_000

describe('createSemaphore', () => {
  test('admits as many callers as it has places, and the next after a release', async () => {
    const { acquire, release } = createSemaphore(2)
    await Promise.all([acquire(soon()), acquire(soon())])
    await expect(acquire(soon())).rejects.toThrow(Problem)
    release()
    await acquire(soon())
    await expect(acquire(soon())).rejects.toThrow(Problem)
  })

  test('admits callers in the order of their arrival', async () => {
    const { acquire, release } = createSemaphore(1)
    const order: number[] = []
    await acquire(later())
    const all = [1, 2, 3].map(async number => {
      await acquire(later())
      order.push(number)
      release()
    })
    release()
    await Promise.all(all)
    expect(order).toEqual([1, 2, 3])
  })

  test('refuses a caller with 503 at its deadline and gives it no place', async () => {
    const { acquire, release } = createSemaphore(1)
    await acquire(later())
    const refused = await acquire(soon()).catch(error => error)
    expect(refused).toMatchObject({ kind: 'unavailable', status: 503, headers: { 'Retry-After': '1' } })
    const next = acquire(later())
    release()
    await next
    release()
    await acquire(later())
  })

  test('admits a caller after its deadline if a place is free', async () => {
    const { acquire, release } = createSemaphore(1)
    await acquire(Date.now() - 1)
    release()
    await acquire(0)
  })

  test('loses no place under random arrivals, waits and timeouts', async () => {
    const { acquire, release } = createSemaphore(3)
    let inside = 0
    let maxInside = 0
    async function visit(until: number) {
      await acquire(until)
      maxInside = Math.max(maxInside, ++inside)
      await new Promise(resolve => setTimeout(resolve, Math.random() * 4))
      inside--
      release()
    }
    await Promise.allSettled(Array.from({ length: 300 }, () => visit(Date.now() + Math.random() * 100)))
    expect(maxInside).toBe(3)
    await Promise.all([acquire(0), acquire(0), acquire(0)])
    await expect(acquire(0)).rejects.toThrow(Problem)
  })
})
