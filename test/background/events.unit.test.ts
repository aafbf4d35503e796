// The hub without a database: limits, and looks that fail.
import { Writable } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { createHub, type Watch } from '../../src/background/events.ts'
import { createLog } from '../../src/observe/log.ts'
import { eventually } from '../support/clock.ts'

const later = Date.now() + 3_600_000

function create({ maxStreams = 1000 } = {}) {
  const revisions = new Map<string, number>()
  const state = { isDown: false, looks: 0, reads: 0, mostReads: 0 }
  const lines: string[] = []
  const watch: Watch = {
    async revisions(owners) {
      state.looks++
      if (state.isDown) throw new Error('no database')
      return owners.flatMap(id => (revisions.has(id) ? [{ id, revision: revisions.get(id) as number }] : []))
    },
    async since(owner, since) {
      if (state.isDown) throw new Error('no database')
      state.mostReads = Math.max(state.mostReads, ++state.reads)
      await new Promise(resolve => setImmediate(resolve))
      state.reads--
      const revision = revisions.get(owner) ?? 0
      return { revision, kinds: since === undefined || since === revision ? [] : ['task'] }
    },
  }
  const stopping = new AbortController()
  onTestFinished(() => stopping.abort())
  const log = createLog('info', new Writable({ write: (line, _, done) => done(void lines.push(String(line))) }))
  const hub = createHub(watch, { log, stopping: stopping.signal, maxStreams, pollMs: 1 })

  async function open(owner: string, expiresAt = later) {
    const { body } = await hub.open(owner, undefined, expiresAt)
    const iterator = body[Symbol.asyncIterator]()
    const next = async () => {
      const { done, value } = await iterator.next()
      return done ? 'end' : /^id: (\d+)$/m.exec(String(value))?.[1]
    }
    return { next, leave: () => iterator.return?.() }
  }
  return { hub, open, revisions, state, lines }
}

test('a failed look is logged once, and what changed meanwhile is told afterwards', async () => {
  const { open, revisions, state, lines } = create()
  const stream = await open('ann')
  expect(await stream.next()).toBe('0')
  state.isDown = true
  const next = stream.next()
  const before = state.looks
  await eventually(() => expect(state.looks).toBeGreaterThan(before + 5))
  revisions.set('ann', 7)
  state.isDown = false
  expect(await next).toBe('7')
  expect(lines.map(line => JSON.parse(line).msg)).toEqual(['events failed'])
  await stream.leave()
})

test('the time of the last look stays where looks fail, and is the present without a stream', async () => {
  const { hub, open, state } = create()
  const present = Date.now() / 1000
  expect(hub.counts().succeededAt).toBeGreaterThanOrEqual(present)
  const stream = await open('ann')
  const lastLook = () => hub.counts().succeededAt
  const first = lastLook()
  await eventually(() => expect(lastLook()).toBeGreaterThan(first))
  state.isDown = true
  const looks = state.looks
  await eventually(() => expect(state.looks).toBeGreaterThan(looks + 1)) // one look may have begun before
  const last = lastLook()
  const failed = state.looks
  await eventually(() => expect(state.looks).toBeGreaterThan(failed + 5))
  expect(lastLook()).toBe(last)
  await stream.leave()
  await eventually(() => expect(lastLook()).toBeGreaterThan(last))
  state.isDown = false
  const reopened = Date.now() / 1000
  await open('ann')
  expect(lastLook()).toBeGreaterThanOrEqual(reopened)
})

test('an account has 20 streams at most, and a stream that ends makes room', async () => {
  const { hub, open } = create()
  const streams = await Promise.all(Array.from({ length: 20 }, () => open('ann')))
  const problem = await open('ann').catch(error => error)
  expect([problem.kind, problem.status, problem.headers]).toEqual(['too-many-requests', 429, { 'Retry-After': '10' }])
  await open('bob')
  await streams[0]?.leave()
  await open('ann')
  expect(hub.counts()).toMatchObject({ open: 21 })
})

test('a process has so many streams at most as it is set to, also while they open', async () => {
  const { hub, open } = create({ maxStreams: 2 })
  const results = await Promise.allSettled(['ann', 'bob', 'cid'].map(name => open(name)))
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect((results[2] as PromiseRejectedResult).reason).toMatchObject({ status: 503, headers: { 'Retry-After': '10' } })
  expect(hub.counts().open).toBe(2)
})

test('a stream that cannot open takes no room', async () => {
  const { hub, open, state } = create({ maxStreams: 1 })
  state.isDown = true
  await expect(open('ann')).rejects.toThrow('no database')
  expect(hub.counts().open).toBe(0)
  state.isDown = false
  await open('ann')
})

test('after an outage, accounts are read in groups', async () => {
  const { open, revisions, state } = create()
  const names = Array.from({ length: 300 }, (_, index) => `user-${index}`)
  const streams = []
  for (const name of names) streams.push(await open(name))
  for (const stream of streams) await stream.next()
  state.mostReads = 0
  for (const name of names) revisions.set(name, 5)
  expect(await Promise.all(streams.map(stream => stream.next()))).toEqual(names.map(() => '5'))
  expect(state.mostReads).toBeLessThanOrEqual(50)
})

test('without a stream nothing is looked for', async () => {
  const { open, state } = create()
  const stream = await open('ann')
  await eventually(() => expect(state.looks).toBeGreaterThan(2))
  await stream.leave()
  await eventually(async () => {
    const { looks } = state
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(state.looks).toBe(looks)
  })
})
