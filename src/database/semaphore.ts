import { unavailable } from '../contract/problem.ts'

type Waiting = { until: number; admit: () => void; refuse: (problem: unknown) => void }

type Gate = { enter: (until: number) => Promise<void>; leave: () => void; load: () => { inside: number; waiting: number } }

const admitted = Promise.resolve()
const tick = 50 // ms: so much later than said somebody may be refused. A timer for each who waits would cost more than the waiting.

/**
 * Lets `size` callers in at once and the others wait outside, first come first served. Who was let in must leave.
 * `enter` rejects with `unavailable` when nobody left until the instant (ms); `load` tells how many are inside and waiting.
 */
export function gate(size: number): Gate {
  let free = size
  let queue: Waiting[] = []
  let timer: NodeJS.Timeout | undefined

  function refuseLate() {
    const now = Date.now()
    const late = queue.filter(({ until }) => until <= now)
    if (late.length > 0) queue = queue.filter(({ until }) => until > now)
    for (const { refuse } of late) refuse(unavailable('Too many requests wait for the database. Try again shortly.'))
    timer = queue.length > 0 ? setTimeout(refuseLate, tick) : undefined
  }

  return {
    enter(until) {
      if (free > 0) {
        free -= 1
        return admitted
      }
      return new Promise((admit, refuse) => {
        queue.push({ until, admit, refuse })
        if (timer === undefined) timer = setTimeout(refuseLate, tick)
      })
    },
    leave() {
      const next = queue.shift()
      if (next === undefined) free += 1
      else next.admit()
    },
    load: () => ({ inside: size - free, waiting: queue.length }),
  }
}
