// A clock for promises about time. It stands still while this process gets no CPU, so that a busy machine breaks no promise of the server.
import { setTimeout as sleep } from 'node:timers/promises'

const now = performance.now.bind(performance) // of the machine, also while a test fakes that of this process
const tickMs = 20
const maxStepMs = 40 // a tick that comes later than this counts as this: the rest of the time the process stood still

let steady = 0
let lastTick = now()
setInterval(() => {
  const tick = now()
  steady += Math.min(tick - lastTick, maxStepMs)
  lastTick = tick
}, tickMs).unref()

/** Milliseconds in which this process could work. On an idle machine they pass as on any clock. */
export const steadyMs = (): number => steady

/** Repeats the check until it passes. Throws its last error after so many ms of the steady clock: for a promise about time. */
export async function within<Result>(ms: number, check: () => Result | Promise<Result>, intervalMs = 20): Promise<Result> {
  const until = steadyMs() + ms
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (steadyMs() >= until) throw error
    }
    await sleep(intervalMs)
  }
}

/** Repeats the check until it passes: for a state that comes sooner or later. Only a state that never comes takes the whole minute. */
export const eventually = <Result>(check: () => Result | Promise<Result>): Promise<Result> => within(60_000, check)
