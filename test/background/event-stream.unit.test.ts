import { expect, test, vi } from 'vitest'
import { createEventStream } from '../../src/background/event-stream.ts'

function create(lifeMs = 60_000) {
  const sent = vi.fn()
  const closed = vi.fn()
  const stream = createEventStream({ revision: 1, kinds: [] }, lifeMs, { sent, closed })
  const iterator = stream.body[Symbol.asyncIterator]()
  const next = async () => (await iterator.next()) as IteratorResult<string>
  const leave = async () => void (await iterator.return?.())
  return { stream, sent, closed, next, leave }
}

const event = (revision: number, kinds: string[]) =>
  `id: ${revision}\nevent: revision\ndata: {"revision":${revision},"kinds":${JSON.stringify(kinds)}}\n\n`

test('begins with a time to connect again and the first event, and then has each event once', async () => {
  const { stream, sent, next, leave } = create()
  const { value } = await next()
  expect(value).toMatch(/^retry: [1-5]\d{3}\n\n/)
  expect(value.slice(value.indexOf('id:'))).toBe(event(1, []))
  const waiting = next()
  stream.push({ revision: 2, kinds: ['task'] })
  expect((await waiting).value).toBe(event(2, ['task']))
  expect(sent).toHaveBeenCalledTimes(2)
  await leave()
})

test('keeps one event for a client that is slow: the newest, with the kinds of all', async () => {
  const { stream, next, leave } = create()
  await next()
  for (const [index, kind] of ['task', 'category', 'task'].entries()) stream.push({ revision: 2 + index, kinds: [kind] })
  expect(stream.since()).toBe(4)
  expect((await next()).value).toBe(event(4, ['task', 'category']))
  await leave()
})

test('ends after its time, and at once if that is over', async () => {
  const { stream, closed, next } = create(20)
  await next()
  expect(await next()).toEqual({ done: true, value: undefined })
  stream.push({ revision: 2, kinds: [] })
  expect(await next()).toEqual({ done: true, value: undefined })
  expect(closed.mock.calls).toEqual([[false]])
  const late = create(-1)
  await late.next()
  expect(await late.next()).toEqual({ done: true, value: undefined })
})

test('is dropped if it ends before its client has read what it was sent', async () => {
  const idle = create()
  await idle.next()
  void idle.next() // the event before was read
  await idle.leave()
  await idle.leave()
  expect(idle.closed.mock.calls).toEqual([[false]])

  const stuck = create()
  await stuck.next()
  await stuck.leave()
  expect(stuck.closed.mock.calls).toEqual([[true]])

  const unread = create() // as of HEAD
  await unread.leave()
  expect(unread.closed.mock.calls).toEqual([[false]])
})
