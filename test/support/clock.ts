// A clock for promises about time. It stands still while this process gets no CPU, so that a busy machine breaks no promise of the server.
import { setTimeout as sleep } from 'node:timers/promises'

const tickMs = 20
const maxStepMs = 40 // a tick that comes later than this counts as this: the rest of the time the process stood still

let steady = 0
let lastTick = performance.now()
setInterval(() => {
  const now = performance.now()
  steady += Math.max(0, Math.min(now - lastTick, maxStepMs))
  lastTick = now
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
