// When more comes than can be done in time, the rest is sent away at once, so that those who were let in are served and memory is bounded.
import type { ServerResponse } from 'node:http'
import { Problem } from '../contract/problem.ts'
import type { Log } from '../observe/log.ts'

/** `queue`: too many requests are under way; `delay`: the process itself is late; `bodies`: too much is being sent at the same time */
export const reasons = ['queue', 'delay', 'bodies'] as const
export type Reason = (typeof reasons)[number]

export type Shedding = {
  /** Lets a request in, which must leave. Throws a `Shed` when there is no room; who is `vital` finds some always. */
  enter: (vital: boolean) => Visit
  /** how many requests are under way, apart from those whose bodies are still on their way */
  underWay: () => number
  /** Reads nothing from a connection that was refused until its client was told to come again. */
  hold: (response: ServerResponse) => void
  close: () => void
}
export type Visit = {
  /** Waits for a body that may have so many bytes, which count until the visit ends. Throws a `Shed` when there is no room for them. */
  receive: <Body>(bytes: number, body: () => Promise<Body>) => Promise<Body>
  leave: () => void
}

/** The refusal of a request that was not looked at. */
export class Shed extends Problem {
  readonly reason: Reason

  constructor(reason: Reason) {
    super('unavailable', { detail: 'The server has more to do than it can. Try again shortly.', headers: { 'Retry-After': String(again) } })
    this.reason = reason
  }
}

const usual = 250 // requests under way: more serve nobody sooner, and who comes last still finds a connection within the second
const room = 64 * 1024 * 1024 // bytes of bodies
const tick = 0.02 // seconds from one look at the clock to the next
const late = 0.3 // seconds that the event loop may be behind
const patience = 1 // second that it must have been so all the time: one long stop is no overload, and what waits behind it is served
const again = 1 // second until somebody who was sent away should come again
const summary = 1 // second: so often at the most the log says how many were sent away

export function shedding(log: Log, most = usual): Shedding {
  let underWay = 0
  let bytes = 0
  let expected = process.uptime() + tick
  let lateSince: number | undefined
  let overdue = false
  let shed: Partial<Record<Reason, number>> | undefined

  const clock = setInterval(() => {
    const now = process.uptime()
    lateSince = now - expected < late ? undefined : (lateSince ?? now)
    overdue = lateSince !== undefined && now - lateSince >= patience
    expected = now + tick
  }, tick * 1000).unref()

  function refuse(reason: Reason): never {
    if (shed === undefined) {
      shed = {}
      setTimeout(tell, summary * 1000).unref()
    }
    shed[reason] = (shed[reason] ?? 0) + 1
    throw refusals[reason]
  }

  function tell() {
    log.warn({ shed }, 'overload')
    shed = undefined
  }

  return {
    enter(vital) {
      if (!vital && underWay >= most) refuse('queue')
      if (!vital && overdue) refuse('delay')
      let held = 0
      underWay += 1

      return {
        async receive(length, body) {
          if (bytes + length > room) refuse('bodies')
          held = length
          bytes += held
          // Who sends slowly takes nobody's place.
          underWay -= 1
          try {
            return await body()
          } finally {
            underWay += 1
          }
        },
        leave() {
          underWay -= 1
          bytes -= held
        },
      }
    },
    underWay: () => underWay,
    // A refusal costs a quarter of what was refused, so who doesn't wait would keep the process from its work by being refused.
    hold(response) {
      const { socket } = response
      const pause = () => {
        socket?.pause()
        setTimeout(() => socket?.resume(), again * 1000).unref()
      }
      // Not before what is left of its body was let fall, which makes the connection flow once more; and in the same turn, since
      // among thousands of connections the next request comes as soon.
      response.req.once('close', pause)
    },
    close: () => clearInterval(clock),
  }
}

// Made once: to make an error costs as much as to send it.
const refusals: Record<Reason, Shed> = { queue: new Shed('queue'), delay: new Shed('delay'), bodies: new Shed('bodies') }
