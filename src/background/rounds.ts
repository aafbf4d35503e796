// The parts that every loop outside requests has.
import { setTimeout as sleep } from 'node:timers/promises'

/** Waits. Resolves with false when the process begins to stop, and does not keep it alive. */
export const pause = (ms: number, stopping: AbortSignal): Promise<boolean> =>
  sleep(ms, true, { signal: stopping, ref: false }).catch(() => false)

/** So that two processes seldom work on the same owner. */
export const shuffled = <Value>(values: Value[]): Value[] =>
  values
    .map(value => ({ value, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value)
