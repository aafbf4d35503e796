import { unavailable } from './problem.ts'

/**
 * Lets `size` callers in at once and the others wait outside, first come first served.
 * `enter` answers with the function to leave by, or throws `unavailable` when nobody left until the instant (ms).
 */
export function gate(size: number): { enter: (until: number) => Promise<() => void> } {
  let free = size
  const waiting = new Set<() => void>()

  function leave() {
    const [next] = waiting
    if (next === undefined) free += 1
    else next()
  }

  return {
    async enter(until) {
      if (free > 0) {
        free -= 1
        return leave
      }
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => {
            waiting.delete(admit)
            reject(unavailable('Too many requests wait for the database. Try again shortly.'))
          },
          Math.max(0, until - Date.now()),
        )
        function admit() {
          clearTimeout(timer)
          waiting.delete(admit)
          resolve(leave)
        }
        waiting.add(admit)
      })
    },
  }
}
