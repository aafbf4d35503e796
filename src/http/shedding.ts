// Load shedding: above its capacity the process refuses requests with 503 and Retry-After. So the others are served in time, and
// memory is bounded.
import type { ServerResponse } from 'node:http'
import { Problem } from '../contract/problem.ts'
import type { Log } from '../observe/log.ts'

/** `queue`: too many requests in flight; `delay`: the event loop is late because of its own work; `bodies`: too many bytes of bodies */
export const reasons = ['queue', 'delay', 'bodies'] as const
export type Reason = (typeof reasons)[number]

export type Shedding = {
  /** Admits a request, which must leave. Throws a `Shed` at capacity, unless the request is `vital`. */
  enter: (vital: boolean) => Visit
  /** how many requests are in flight, without those whose bodies are still arriving */
  inFlight: () => number
  /** Does not read from the connection of a shed request before the time that `Retry-After` names. */
  delayNextRequest: (response: ServerResponse) => void
  close: () => void
}
export type Visit = {
  /** Waits for a body, or a part of one, of at most so many bytes. They count until the visit ends. Throws a `Shed` when all bodies together are too large. */
  receive: <Body>(bytes: number, body: () => Promise<Body>) => Promise<Body>
  leave: () => void
}

/** The refusal of a request that was not processed. */
export class Shed extends Problem {
  readonly reason: Reason

  constructor(reason: Reason) {
    const headers = { 'Retry-After': String(retryAfterSeconds) }
    super('unavailable', { detail: 'The server is overloaded. Try again shortly.', headers })
    this.reason = reason
  }
}

const defaultMaxInFlight = 250 // requests: more would not raise the throughput, and the last one gets a connection within its second
const maxBodyBytes = 64 * 1024 * 1024 // of all requests together
const retryAfterSeconds = 1
const logIntervalMs = 1_000 // at most one log line about shed requests in this time

export function createShedding(log: Log, maxInFlight = defaultMaxInFlight): Shedding {
  let inFlight = 0
  let bodyBytes = 0
  let overdue = false
  let shed: Partial<Record<Reason, number>> | undefined

  const check = createDelayCheck(process.uptime() * 1000, ownCpuMs())
  const timer = setInterval(() => {
    overdue = check(process.uptime() * 1000, ownCpuMs())
  }, checkIntervalMs).unref()

  function refuse(reason: Reason): never {
    if (shed === undefined) {
      shed = {}
      setTimeout(logShed, logIntervalMs).unref()
    }
    shed[reason] = (shed[reason] ?? 0) + 1
    throw refusals[reason]
  }

  function logShed() {
    log.warn({ shed }, 'overload')
    shed = undefined
  }

  return {
    enter(vital) {
      if (!vital && inFlight >= maxInFlight) refuse('queue')
      if (!vital && overdue) refuse('delay')
      let ownBytes = 0
      inFlight += 1

      return {
        async receive(length, body) {
          if (bodyBytes + length > maxBodyBytes) refuse('bodies')
          ownBytes += length
          bodyBytes += length
          // A slow sender must not take the slot of another request.
          inFlight -= 1
          try {
            return await body()
          } finally {
            inFlight += 1
          }
        },
        leave() {
          inFlight -= 1
          bodyBytes -= ownBytes
        },
      }
    },
    inFlight: () => inFlight,
    // A refusal costs a quarter of a small request. Clients that retry immediately would keep the process busy with refusals.
    delayNextRequest(response) {
      const { socket } = response
      const pause = () => {
        socket?.pause()
        setTimeout(() => socket?.resume(), retryAfterSeconds * 1000).unref()
      }
      // Pause on 'close': discarding the rest of the body resumes the socket. Do it in the same tick, before the next request is read.
      response.req.once('close', pause)
    },
    close: () => clearInterval(timer),
  }
}

const checkIntervalMs = 20
const maxDelayMs = 300 // of the event loop
const minOwnCpuMs = 100 // CPU time of this thread during the delay: without it the machine stalls, not the process
const minOverloadMs = 1_000 // every check in this time must find the event loop late: one long stop is no overload

/** Makes a function to be called every 20 ms with a clock and the thread's CPU time. It returns whether requests overload the process. */
export function createDelayCheck(startMs: number, startCpuMs: number): (nowMs: number, cpuMs: number) => boolean {
  let dueMs = startMs + checkIntervalMs
  let lastCpuMs = startCpuMs
  let lateSinceMs: number | undefined

  return (nowMs, cpuMs) => {
    const late = nowMs - dueMs >= maxDelayMs && cpuMs - lastCpuMs >= minOwnCpuMs
    lateSinceMs = late ? (lateSinceMs ?? nowMs) : undefined
    dueMs = nowMs + checkIntervalMs
    lastCpuMs = cpuMs
    return lateSinceMs !== undefined && nowMs - lateSinceMs >= minOverloadMs
  }
}

function ownCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

// Created once: creating an error costs as much as sending it.
const refusals: Record<Reason, Shed> = { queue: new Shed('queue'), delay: new Shed('delay'), bodies: new Shed('bodies') }
