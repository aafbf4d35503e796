import { unavailable } from '../contract/problem.ts'

type Waiting = { deadline: number; admit: () => void; refuse: (problem: unknown) => void }

export type Semaphore = {
  /** Resolves when there is a place; rejects with `unavailable` when none came free until the deadline (ms since the epoch). */
  acquire: (deadline: number) => Promise<void>
  /** Gives a place back, to the caller that has waited longest. */
  release: () => void
  load: () => { held: number; waiting: number }
}

const acquired = Promise.resolve()
const checkIntervalMs = 50 // a caller is refused so much after its deadline at most. A timer for each caller would cost more than the waiting

/** A counting semaphore: `size` callers hold a place at the same time, and the others wait in the order in which they came. */
export function createSemaphore(size: number): Semaphore {
  let free = size
  let queue: Waiting[] = []
  let timer: NodeJS.Timeout | undefined

  function refuseLate() {
    const now = Date.now()
    const late = queue.filter(({ deadline }) => deadline <= now)
    if (late.length > 0) queue = queue.filter(({ deadline }) => deadline > now)
    for (const { refuse } of late) refuse(unavailable('Too many requests wait for the database. Try again shortly.'))
    timer = queue.length > 0 ? setTimeout(refuseLate, checkIntervalMs) : undefined
  }

  return {
    acquire(deadline) {
      if (free > 0) {
        free -= 1
        return acquired
      }
      return new Promise((admit, refuse) => {
        queue.push({ deadline, admit, refuse })
        if (timer === undefined) timer = setTimeout(refuseLate, checkIntervalMs)
      })
    },
    release() {
      const next = queue.shift()
      if (next === undefined) free += 1
      else next.admit()
    },
    load: () => ({ held: size - free, waiting: queue.length }),
  }
}
