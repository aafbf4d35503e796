import { describe, expect, test } from 'vitest'
import { Problem } from '../../src/contract/problem.ts'
import { gate } from '../../src/database/semaphore.ts'

const soon = () => Date.now() + 20
const later = () => Date.now() + 5_000

describe('gate', () => {
  test('lets in as many as there are places, and the next when one leaves', async () => {
    const { enter, leave } = gate(2)
    await Promise.all([enter(soon()), enter(soon())])
    await expect(enter(soon())).rejects.toThrow(Problem)
    leave()
    await enter(soon())
    await expect(enter(soon())).rejects.toThrow(Problem)
  })

  test('who came first goes first', async () => {
    const { enter, leave } = gate(1)
    const order: number[] = []
    await enter(later())
    const all = [1, 2, 3].map(async number => {
      await enter(later())
      order.push(number)
      leave()
    })
    leave()
    await Promise.all(all)
    expect(order).toEqual([1, 2, 3])
  })

  test('who has waited too long is sent away with 503 and takes no place', async () => {
    const { enter, leave } = gate(1)
    await enter(later())
    const refused = await enter(soon()).catch(error => error)
    expect(refused).toMatchObject({ kind: 'unavailable', status: 503, headers: { 'Retry-After': '1' } })
    const next = enter(later())
    leave()
    await next
    leave()
    await enter(later())
  })

  test('with a place free nobody is too late', async () => {
    const { enter, leave } = gate(1)
    await enter(Date.now() - 1)
    leave()
    await enter(0)
  })

  test('loses no place however callers come, wait and give up', async () => {
    const { enter, leave } = gate(3)
    let inside = 0
    let most = 0
    async function visit(until: number) {
      await enter(until)
      most = Math.max(most, ++inside)
      await new Promise(resolve => setTimeout(resolve, Math.random() * 4))
      inside--
      leave()
    }
    await Promise.allSettled(Array.from({ length: 300 }, () => visit(Date.now() + Math.random() * 100)))
    expect(most).toBe(3)
    await Promise.all([enter(0), enter(0), enter(0)])
    await expect(enter(0)).rejects.toThrow(Problem)
  })
})
