// When a late event loop counts as overload. Time is a number here, so that no machine can change the result.
import { describe, expect, test } from 'vitest'
import { createDelayCheck } from '../../src/http/shedding.ts'

/** Calls the check after each step of a clock and of the thread's CPU time, both in ms. */
function results(...steps: { ms: number; cpuMs: number }[]): boolean[] {
  const check = createDelayCheck(0, 0)
  let [now, cpu] = [0, 0]
  return steps.map(({ ms, cpuMs }) => {
    now += ms
    cpu += cpuMs
    return check(now, cpu)
  })
}
const onTime = { ms: 20, cpuMs: 15 }
const busy = { ms: 400, cpuMs: 390 }
const starved = { ms: 400, cpuMs: 150 } // other processes take most of the CPU
const stalled = { ms: 800, cpuMs: 5 } // no CPU at all, as after SIGSTOP

describe('a late event loop', () => {
  test('is overload after a second of its own work', () => {
    expect(results(busy, busy, busy, busy)).toEqual([false, false, false, true])
  })

  test('is overload too while other processes take most of the CPU', () => {
    expect(results(starved, starved, starved, starved)).toEqual([false, false, false, true])
  })

  test('is no overload while the process gets no CPU', () => {
    expect(results(...Array.from({ length: 10 }, () => stalled))).toEqual(Array(10).fill(false))
  })

  test('is no overload when one stop lasts for seconds, busy or not', () => {
    expect(results(onTime, { ms: 5_000, cpuMs: 5_000 }, onTime)).toEqual([false, false, false])
    expect(results(onTime, { ms: 5_000, cpuMs: 0 }, busy, onTime)).toEqual([false, false, false, false])
  })

  test('is overload no longer once a check is on time', () => {
    expect(results(busy, busy, busy, busy, onTime, busy, busy, busy)).toEqual([false, false, false, true, false, false, false, false])
  })
})
