// Replies whose bodies are streams: backpressure, heartbeat, and every way in which they end.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Stream } from '../../src/contract/types.ts'
import type { Options } from '../../src/server.ts'
import { eventually } from '../support/clock.ts'
import { noDatabase, smallApi } from '../support/small-api.ts'
import { start } from '../support/taskspec.ts'

type Source = Stream & {
  push: (chunk: string | Uint8Array) => void
  end: () => void
  fail: (error: Error) => void
  /** chunks that the server has not taken yet */
  waiting: () => number
  returned: Promise<void>
}

/** A body that the test feeds. `returned` resolves when the server gives it up. */
function createSource(): Source {
  const steps: (() => IteratorResult<string | Uint8Array>)[] = []
  let wake: (() => void) | undefined
  let giveUp: () => void = () => {}
  const add = (step: (typeof steps)[number]) => {
    steps.push(step)
    wake?.()
  }
  async function next(): Promise<IteratorResult<string | Uint8Array>> {
    while (steps.length === 0)
      await new Promise<void>(resolve => {
        wake = resolve
      })
    return (steps.shift() as (typeof steps)[number])()
  }
  return {
    push: value => add(() => ({ done: false, value })),
    end: () => add(() => ({ done: true, value: undefined })),
    fail: error =>
      add(() => {
        throw error
      }),
    waiting: () => steps.length,
    returned: new Promise(resolve => {
      giveUp = resolve
    }),
    [Symbol.asyncIterator]: () => ({
      next,
      async return() {
        giveUp()
        return { done: true, value: undefined }
      },
    }),
  }
}

type Setup = { body?: Stream; heartbeat?: string; farewell?: string; type?: string; maxInFlight?: number; timeouts?: Options['timeouts'] }

/** A server whose GET /stream answers with the body. */
async function serve({ body, heartbeat, farewell, type = 'text/csv', maxInFlight, timeouts }: Setup) {
  const source = createSource()
  const stream = () => ({
    status: 200,
    type,
    body: body ?? source,
    ...(heartbeat !== undefined && { heartbeat }),
    ...(farewell !== undefined && { farewell }),
  })
  const limits = { ...(maxInFlight !== undefined && { maxInFlight }), ...(timeouts && { timeouts }) }
  const server = await start({ databaseUrl: noDatabase, api: smallApi({ stream }), ...limits })
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= server.stop()
    return stopped
  }
  onTestFinished(stop)
  const line = () => server.log.find(({ operation }) => operation === 'getStream')
  return { ...server, stop, source, line }
}

async function open(url: string) {
  const response = await fetch(`${url}/stream`)
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream() as never).getReader()
  const read = async () => (await reader.read()) as { done: boolean; value?: string }
  return { response, read, cancel: () => reader.cancel() }
}

function request(url: string): Socket {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write('GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  return socket
}

test('is written as it comes, and logged at its end', async () => {
  const { url, source, line, log } = await serve({})
  const { response, read } = await open(url)
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8'])
  expect(response.headers.get('x-api-version')).toBe('1.0.0')
  source.push('a')
  expect(await read()).toEqual({ done: false, value: 'a' })
  source.push(Buffer.from('b'))
  expect(await read()).toEqual({ done: false, value: 'b' })
  expect(log).toEqual([])
  source.end()
  expect(await read()).toMatchObject({ done: true })
  await eventually(() => expect(line()).toMatchObject({ level: 30, status: 200 }))
  expect(line()).not.toHaveProperty('outcome')
})

test('counts as in flight until its end', async () => {
  const { url, source } = await serve({ maxInFlight: 1 })
  const { read } = await open(url)
  expect((await fetch(`${url}/stream`)).status).toBe(503)
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  source.end()
  await read()
  await eventually(async () => {
    const again = await fetch(`${url}/stream`)
    await again.body?.cancel()
    expect(again.status).toBe(200)
  }) // the connection of a shed request is not read for a second
})

test('is not read faster than its client reads', async () => {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  const total = 64 * 1024 * 1024
  let produced = 0
  async function* body() {
    for (; produced < total; produced += chunk.length) yield chunk
  }
  const { url } = await serve({ body: body() })
  const socket = request(url)
  socket.pause()
  await eventually(() => expect(produced).toBeGreaterThan(chunk.length))
  for (let i = 0; i < 50; i++) await fetch(`${url}/livez`).then(reply => reply.text())
  expect(produced).toBeLessThan(total / 2) // the buffers of both systems take some MiB

  let received = 0
  socket.on('data', bytes => {
    received += bytes.length
  })
  socket.resume()
  await eventually(() => expect(received).toBeGreaterThan(total))
  socket.destroy()
})

describe('ends', () => {
  test('when its client has gone, though the next chunk never comes', async () => {
    const { url, source, line } = await serve({ maxInFlight: 1 })
    const { read, cancel } = await open(url)
    source.push('a')
    await read()
    await cancel()
    await source.returned
    await eventually(() => expect(line()).toMatchObject({ level: 30, status: 200, outcome: 'aborted' }))
    const again = await fetch(`${url}/stream`)
    await again.body?.cancel()
    expect(again.status).toBe(200)
  })

  test('when its client went before it began', async () => {
    const { url, source, line } = await serve({})
    const socket = request(url)
    await once(socket, 'connect')
    socket.resetAndDestroy()
    await source.returned
    await eventually(() => expect(line()).toMatchObject({ outcome: 'aborted' }))
  })

  test('visibly broken when it throws an error, which is logged', async () => {
    const { url, source, line } = await serve({})
    const { read } = await open(url)
    source.push('a')
    await read()
    source.fail(new RangeError('oops'))
    await expect(read()).rejects.toThrow()
    const error = { name: 'RangeError', message: 'oops' }
    await eventually(() => expect(line()).toMatchObject({ level: 50, status: 200, outcome: 'failed', error }))
  })

  test('before it begins when the request is HEAD', async () => {
    const { url, source, line } = await serve({})
    const response = await fetch(`${url}/stream`, { method: 'HEAD' })
    expect([response.headers.get('content-type'), await response.text()]).toEqual(['text/csv; charset=utf-8', ''])
    await source.returned
    await eventually(() => expect(line()).toMatchObject({ status: 200, method: 'HEAD' }))
  })

  test('and an error of its cleanup is logged', async () => {
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => Promise.reject(new Error('no cleanup')),
      }),
    }
    const { url, log } = await serve({ body })
    const { cancel } = await open(url)
    await cancel()
    const error = expect.objectContaining({ message: 'no cleanup' })
    await eventually(() => expect(log).toContainEqual(expect.objectContaining({ level: 50, msg: 'stream cleanup failed', error })))
  })
})

describe('while it is quiet', () => {
  const timeouts = { idleMs: 2_000, checkMs: 50, heartbeatMs: 100 }

  test('writes its heartbeat, which keeps the connection beyond the idle timeout', async () => {
    const { url, source } = await serve({ type: 'text/event-stream', heartbeat: ':\n', timeouts })
    const { read } = await open(url)
    let received = ''
    while (received.length < 2 * 30) received += (await read()).value
    expect(received).toBe(':\n'.repeat(received.length / 2))
    source.push('data: a\n\n')
    while (!received.endsWith('data: a\n\n')) received += (await read()).value
    source.end()
    while (!(await read()).done);
  })

  test('is ended by the idle timeout where it has no heartbeat', async () => {
    const { url, source, line } = await serve({ timeouts })
    const { read } = await open(url)
    await expect(read()).rejects.toThrow()
    await source.returned
    await eventually(() => expect(line()).toMatchObject({ outcome: 'aborted' }))
  })

  test('takes no other chunk from its source before the client has read the last one, if it is live', async () => {
    const { url, source } = await serve({ heartbeat: ':\n', timeouts: { ...timeouts, idleMs: 60_000 } })
    const socket = request(url)
    socket.pause()
    const first = 64 * 1024 * 1024
    source.push(Buffer.alloc(first))
    source.push('b')
    await eventually(() => expect(source.waiting()).toBe(1))
    let size = 0
    socket.on('data', chunk => {
      size += chunk.length
    })
    socket.resume()
    await eventually(() => expect(source.waiting()).toBe(0))
    expect(size).toBeGreaterThan(first / 2)
    socket.destroy()
  })

  test('is ended by the idle timeout where its client does not read, heartbeat or not', async () => {
    const { url, source, line } = await serve({ heartbeat: ':\n', timeouts })
    const socket = request(url)
    socket.pause()
    source.push(Buffer.alloc(64 * 1024 * 1024))
    await source.returned
    await eventually(() => expect(line()).toMatchObject({ outcome: 'aborted' }))
    socket.destroy()
  })
})

describe('at shutdown', () => {
  test('a stream with a heartbeat ends cleanly with its farewell, without waiting for the drain timeout', async () => {
    const { url, source, stop, line } = await serve({ heartbeat: ':\n', farewell: 'bye', timeouts: { drainMs: 60_000 } })
    const { read } = await open(url)
    source.push('a')
    await read()
    const stopped = stop()
    expect(await read()).toMatchObject({ done: false, value: 'bye' })
    expect(await read()).toMatchObject({ done: true })
    await source.returned
    await stopped
    expect(line()).toMatchObject({ level: 30, status: 200 })
    expect(line()).not.toHaveProperty('outcome')
  })

  test('another goes on to its end, and its connection is closed then', async () => {
    const { url, source, stop } = await serve({ timeouts: { drainMs: 60_000 } })
    const { read } = await open(url)
    const stopped = stop()
    source.push('a')
    expect(await read()).toMatchObject({ value: 'a' })
    source.end()
    expect(await read()).toMatchObject({ done: true })
    await stopped
  })

  test('one that does not end in time is visibly broken', async () => {
    const { url, source, stop, line } = await serve({ timeouts: { drainMs: 500 } })
    const { read } = await open(url)
    source.push('a')
    await read()
    const stopped = stop()
    await expect(read()).rejects.toThrow()
    await source.returned
    await stopped
    expect(line()).toMatchObject({ outcome: 'aborted' })
  })
})
