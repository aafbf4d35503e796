// How the purge of old deleted rows behaves beside requests and in outages.
import { expect, test, vi } from 'vitest'
import { type Expiry, startPurge } from '../../src/background/purge.ts'
import type { Log } from '../../src/observe/log.ts'
import { eventually } from '../support/clock.ts'

function started(expiry: Partial<Expiry>, waiting = () => 0) {
  const stopping = new AbortController()
  const warn = vi.fn()
  const owners = vi.fn(expiry.owners ?? (async () => []))
  const purge = vi.fn(expiry.purge ?? (async () => 0))
  const all = { log: { warn } as unknown as Log, stopping: stopping.signal, waiting, roundMs: 1 }
  const { counts, done } = startPurge({ owners, purge }, all)
  const stop = () => {
    stopping.abort()
    return done
  }
  return { counts, stop, warn, owners, purge }
}

test('goes on with an owner until nothing is left', async () => {
  let left = 5
  const { counts, stop, purge } = started({
    owners: async () => (left > 0 ? ['ann'] : []),
    async purge() {
      const rows = Math.min(2, left)
      left -= rows
      return rows
    },
  })
  await eventually(() => expect(counts().rows).toBe(5))
  await stop()
  expect(purge).toHaveBeenCalledTimes(3)
})

test('leaves an owner whose account is in use until the next round', async () => {
  const { owners, stop, purge } = started({ owners: async () => ['ann'] })
  await eventually(() => expect(owners.mock.calls.length).toBeGreaterThan(1))
  expect(purge.mock.calls.length).toBeGreaterThan(0)
  expect(purge.mock.calls.length).toBeLessThanOrEqual(owners.mock.calls.length)
  await stop()
})

test('sends nothing while statements wait for a connection', async () => {
  let waiting = 1
  const asked = vi.fn(() => waiting)
  const { owners, stop } = started({}, asked)
  await eventually(() => expect(asked.mock.calls.length).toBeGreaterThan(2))
  expect(owners).not.toHaveBeenCalled()
  waiting = 0
  await eventually(() => expect(owners).toHaveBeenCalled())
  await stop()
})

test('logs an outage once, and goes on after it', async () => {
  let isDown = true
  const { counts, stop, warn, owners } = started({
    owners: async () => {
      if (isDown) throw new Error('down')
      return []
    },
  })
  const startedAt = counts().succeededAt
  await eventually(() => expect(owners.mock.calls.length).toBeGreaterThan(2))
  expect(warn).toHaveBeenCalledTimes(1)
  expect(counts().succeededAt).toBe(startedAt)
  isDown = false
  await eventually(() => expect(counts().succeededAt).toBeGreaterThan(startedAt))
  isDown = true
  await eventually(() => expect(warn).toHaveBeenCalledTimes(2))
  await stop()
})

test('waits for the statement in flight when it stops, and sends no other', async () => {
  const inFlight = Promise.withResolvers<number>()
  const { stop, purge, owners } = started({ owners: async () => ['ann', 'bob'], purge: () => inFlight.promise })
  await eventually(() => expect(purge).toHaveBeenCalled())
  let isDone = false
  const done = stop().then(() => {
    isDone = true
  })
  await new Promise(setImmediate)
  expect(isDone).toBe(false)
  inFlight.resolve(1)
  await done
  expect([purge.mock.calls.length, owners.mock.calls.length]).toEqual([1, 1])
})
