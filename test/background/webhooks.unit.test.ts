// How deliveries are sent beside each other, in outages and at shutdown. The queue and the receivers are doubles.
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Outcome, Outgoing } from '../../src/background/outgoing.ts'
import { type Attempt, startWebhooks, type WebhookQueue } from '../../src/background/webhooks.ts'
import type { Log } from '../../src/observe/log.ts'
import { eventually } from '../support/clock.ts'

const answer = (status: number | null): Outcome => ({ status, error: status === null ? 'TIMEOUT' : null, durationMs: 1 })
const secret = `whsec_${Buffer.alloc(32).toString('base64')}`

function attemptOf(more: Partial<Pick<Attempt, 'id' | 'url' | 'failures' | 'isOver'>> = {}) {
  const settle = () => vi.fn<(outcome?: Outcome, more?: unknown) => Promise<void>>(async () => {})
  const settled = { delivered: settle(), failed: settle(), disable: settle(), release: settle() }
  return { id: 'a', url: 'https://hooks.test/', body: '{}', secrets: [secret], failures: 0, isOver: false, ...settled, ...more }
}

function started(queue: Partial<WebhookQueue>, post: Outgoing['post'] = async () => answer(204), pollMs = 1) {
  const stopping = new AbortController()
  const warn = vi.fn()
  const all = {
    owners: vi.fn(queue.owners ?? (async () => [])),
    step: vi.fn(queue.step ?? (async () => whole([]))),
    take: vi.fn(queue.take ?? (async () => undefined)),
  }
  const options = { log: { warn } as unknown as Log, outgoing: { post }, stopping: stopping.signal, pollMs, delaysMs: [1_000, 60_000] }
  const { counts, changed, done } = startWebhooks(all, options)
  const stop = () => {
    stopping.abort()
    return done
  }
  onTestFinished(() => void stop())
  return { ...all, counts, changed, stop, warn }
}

/** A step that has looked at all webhooks. */
const whole = (owners: string[]) => ({ owners, next: '' })

/** A queue with these attempts of one owner. */
const queueOf = (...attempts: (Attempt | null)[]): Partial<WebhookQueue> => ({
  step: async () => whole(attempts.length > 0 ? ['ann'] : []),
  take: async () => attempts.shift(),
})

test('sends a delivery with its headers, and goes on with the owner', async () => {
  const post = vi.fn<Outgoing['post']>(async () => answer(204))
  const [first, second] = [attemptOf(), attemptOf({ id: 'b' })]
  const { counts } = started(queueOf(first, null, second), post)
  await eventually(() => expect(second.delivered).toHaveBeenCalledWith(answer(204)))
  expect(first.delivered).toHaveBeenCalledTimes(1)
  expect(post.mock.calls[0]?.slice(0, 3)).toEqual([
    'https://hooks.test/',
    {
      'content-type': 'application/json',
      'user-agent': 'taskspec',
      'webhook-id': 'a',
      'webhook-timestamp': expect.stringMatching(/^\d+$/),
      'webhook-signature': expect.stringMatching(/^v1,[\w+/]{43}=$/),
    },
    '{}',
  ])
  expect(counts()).toMatchObject({ delivered: 2, failed: 0, disabled: 0 })
})

test.for<[failures: number, from: number, to: number]>([
  [0, 800, 1_200],
  [1, 48_000, 72_000],
  [9, 48_000, 72_000],
])('after %i failures the next attempt is %i to %i ms later', async ([failures, from, to]) => {
  const attempt = attemptOf({ failures })
  const { counts } = started(queueOf(attempt), async () => answer(500))
  await eventually(() => expect(attempt.failed).toHaveBeenCalledTimes(1))
  const [outcome, delayMs] = attempt.failed.mock.calls[0] as unknown as [Outcome, number]
  expect(outcome).toEqual(answer(500))
  expect(delayMs).toBeGreaterThanOrEqual(from)
  expect(delayMs).toBeLessThanOrEqual(to)
  expect(counts()).toMatchObject({ delivered: 0, failed: 1, disabled: 0 })
})

test.for<[status: number | null, isOver: boolean, reason: string]>([
  [410, false, 'gone'],
  [410, true, 'gone'],
  [500, true, 'failing'],
  [null, true, 'failing'],
])('status %s disables a webhook for which it is the last attempt: %s', async ([status, isOver, reason]) => {
  const attempt = attemptOf({ isOver })
  const { counts } = started(queueOf(attempt), async () => answer(status))
  await eventually(() => expect(attempt.disable).toHaveBeenCalledWith(answer(status), reason))
  expect(counts()).toMatchObject({ failed: 1, disabled: 1 })
})

test.for([null, 199, 301, 308, 404, 503])('status %s is a failure', async status => {
  const attempt = attemptOf()
  started(queueOf(attempt), async () => answer(status))
  await eventually(() => expect(attempt.failed).toHaveBeenCalledTimes(1))
  expect(attempt.delivered).not.toHaveBeenCalled()
})

test('asks at once for the owners of changes, together', async () => {
  const { owners, changed, take, stop } = started({ owners: async among => among }, undefined, 60_000_000)
  for (const owner of ['ann', 'bob', 'ann']) changed(owner)
  await eventually(() => expect(take.mock.calls.map(([owner]) => owner).sort()).toEqual(['ann', 'bob']))
  expect(owners.mock.calls).toEqual([[['ann', 'bob']]])
  changed('cid')
  await eventually(() => expect(take).toHaveBeenLastCalledWith('cid'))
  await stop()
})

test.for<[users: number, atOnce: number]>([
  [8, 16],
  [2, 8],
])('%i owners get %i requests at a time', async ([users, atOnce]) => {
  const gate = Promise.withResolvers<void>()
  const inFlight = new Map<string, number>()
  const left = new Map(Array.from({ length: users }, (_, i) => [`user${i}`, 10]))
  const queue: Partial<WebhookQueue> = {
    step: async () => whole([...left].flatMap(([owner, count]) => (count > 0 ? [owner] : []))),
    async take(owner) {
      const count = left.get(owner) as number
      left.set(owner, count - 1)
      return count > 0 ? attemptOf({ url: owner }) : undefined
    },
  }
  let most = 0
  let mostOfOne = 0
  const { counts } = started(queue, async owner => {
    inFlight.set(owner, (inFlight.get(owner) ?? 0) + 1)
    most = Math.max(
      most,
      [...inFlight.values()].reduce((sum, each) => sum + each),
    )
    mostOfOne = Math.max(mostOfOne, ...inFlight.values())
    await gate.promise
    inFlight.set(owner, (inFlight.get(owner) as number) - 1)
    return answer(200)
  })
  await eventually(() => expect(most).toBe(atOnce))
  gate.resolve()
  await eventually(() => expect(counts().delivered).toBe(users * 10))
  expect([most, mostOfOne <= 4]).toEqual([atOnce, true])
  await eventually(() => expect(counts().inFlight).toBe(0))
})

test('walks step by step, looks again where a step failed, and counts what a whole walk finds', async () => {
  const due = new Map([
    ['', ['ann', 'bob']],
    ['bob', []],
    ['dan', ['eve']],
  ])
  const owners = [...due.keys()]
  const nextOf = (after: string) => owners[owners.indexOf(after) + 1] ?? ''
  let isDown = true
  const { step, take, counts } = started({
    async step(after) {
      if (after === 'dan' && isDown) throw new Error('down')
      return { owners: due.get(after) ?? [], next: nextOf(after) }
    },
  })
  const placesOf = () => step.mock.calls.map(([after]) => after)
  await eventually(() => expect(placesOf().length).toBeGreaterThan(4))
  expect(placesOf().slice(0, 5)).toEqual(['', 'bob', 'dan', 'dan', 'dan'])
  expect(counts().due).toBe(2) // so far
  isDown = false
  await eventually(() => expect(take.mock.calls.map(([owner]) => owner)).toContain('eve'))
  expect(counts().due).toBe(3)
  due.clear()
  await eventually(() => expect(counts().due).toBe(0))
  await eventually(() => {
    const places = placesOf()
    const again = places.indexOf('', 1)
    expect(places.slice(again, again + 4)).toEqual(['', 'bob', 'dan', ''])
  })
  expect(step.mock.calls.every(([, size]) => size === 5_000)).toBe(true)
})

test('looks for no others while 10,000 owners wait', async () => {
  const gate = Promise.withResolvers<undefined>()
  const takenBefore: number[] = []
  const { step, take } = started({
    async step(after) {
      takenBefore.push(take.mock.calls.length)
      return { owners: Array.from({ length: 6_000 }, (_, i) => `${after}-${i}`), next: `${after}x` }
    },
    take: () => gate.promise,
  })
  await eventually(() => expect(step).toHaveBeenCalledTimes(2))
  gate.resolve(undefined)
  await eventually(() => expect(takenBefore.length).toBeGreaterThan(2))
  expect(takenBefore[2]).toBeGreaterThan(2_000) // of 12,000
})

test('asks again for owners of changes whose look failed, and takes again what failed, without the walk', async () => {
  const failures = { owners: 2, take: 2 }
  const attempt = attemptOf()
  const attempts = [attempt]
  const failing = (kind: keyof typeof failures) => {
    failures[kind] -= 1
    if (failures[kind] >= 0) throw new Error('down')
  }
  const { changed, step } = started({
    step: async () => whole([]),
    async owners(among = []) {
      failing('owners')
      return among
    },
    async take() {
      failing('take')
      return attempts.shift()
    },
  })
  changed('ann')
  await eventually(() => expect(attempt.delivered).toHaveBeenCalledTimes(1))
  expect((await Promise.all(step.mock.results.map(({ value }) => value))).flatMap(({ owners }) => owners)).toEqual([])
})

test('logs an outage once, and goes on after it', async () => {
  let isDown = true
  const attempt = attemptOf()
  const { step, warn } = started({
    async step() {
      if (isDown) throw new Error('down')
      return whole(['ann'])
    },
    take: async () => (attempt.delivered.mock.calls.length === 0 ? attempt : undefined),
  })
  await eventually(() => expect(step.mock.calls.length).toBeGreaterThan(2))
  expect(warn).toHaveBeenCalledTimes(1)
  isDown = false
  await eventually(() => expect(attempt.delivered).toHaveBeenCalled())
})

test('stores the outcome again while the database is away, and does not send again', async () => {
  const post = vi.fn<Outgoing['post']>(async () => answer(200))
  const attempt = attemptOf()
  attempt.delivered.mockRejectedValueOnce(new Error('down')).mockRejectedValueOnce(new Error('down'))
  started(queueOf(attempt), post)
  await eventually(() => expect(attempt.delivered).toHaveBeenCalledTimes(3))
  expect(post).toHaveBeenCalledTimes(1)
})

test('at shutdown gives back what is in flight, and takes nothing more', async () => {
  const attempt = attemptOf()
  const posted = Promise.withResolvers<void>()
  const queue: Partial<WebhookQueue> = {
    step: async () => whole(['ann', 'bob', 'cid']),
    take: vi.fn<WebhookQueue['take']>(async () => undefined).mockResolvedValueOnce(attempt),
  }
  const { stop, take } = started(queue, (_, __, ___, signal) => {
    posted.resolve()
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  })
  await posted.promise
  await stop()
  expect(attempt.release).toHaveBeenCalledTimes(1)
  expect(attempt.failed).not.toHaveBeenCalled()
  const taken = take.mock.calls.length
  await new Promise(resolve => setTimeout(resolve, 20))
  expect(take).toHaveBeenCalledTimes(taken)
})
