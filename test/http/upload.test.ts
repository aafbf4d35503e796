// Bodies by operation: media types, size limits, and bodies that are read in chunks.
import { EventEmitter, once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Problem } from '../../src/contract/problem.ts'
import type { AnyReply, Upload } from '../../src/contract/types.ts'
import { readBody } from '../../src/http/request.ts'
import { eventually } from '../support/clock.ts'
import { noDatabase, sizeOf, smallApi } from '../support/small-api.ts'
import { start } from '../support/taskspec.ts'

const mebibyte = 1024 * 1024

async function serve(upload?: (body: Upload) => Promise<AnyReply>, maxInFlight?: number) {
  const api = smallApi(upload === undefined ? {} : { upload })
  const server = await start({ databaseUrl: noDatabase, api, ...(maxInFlight !== undefined && { maxInFlight }) })
  onTestFinished(server.stop)
  return server
}

/** A request whose body the test writes. */
function begin(url: string, headers: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let received = ''
  socket.on('data', bytes => {
    received += bytes
  })
  socket.on('error', () => {})
  socket.write(`POST /upload HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n${headers}\r\n\r\n`)
  return { socket, received: () => received }
}

const send = async (url: string, path: string, type: string, body: string | Uint8Array | ReadableStream) => {
  const stream = body instanceof ReadableStream ? { duplex: 'half' as const } : {}
  const reply = await fetch(url + path, { method: 'POST', headers: { 'content-type': type }, body, ...stream } as RequestInit)
  return { status: reply.status, body: await reply.json() }
}

describe('the media type', () => {
  test('is one that the operation names, in UTF-8', async () => {
    const { url } = await serve(async ({ type }) => ({ status: 200, body: type }))
    for (const [type, expected] of [
      ['text/csv', 'text/csv'],
      ['Text/CSV; header=present', 'text/csv'],
      ['text/calendar;method=PUBLISH; charset="UTF-8"', 'text/calendar'],
    ] as const)
      expect(await send(url, '/upload', type, 'a')).toEqual({ status: 200, body: expected })
    for (const type of ['text/csv; charset=latin1', 'text/csvx', 'text/plain', 'application/json', '', 'text/csv; charset=utf-8x'])
      expect(await send(url, '/upload', type, new TextEncoder().encode('a'))).toMatchObject({
        status: 415,
        body: { detail: 'Send the body uncompressed with Content-Type: text/csv or text/calendar.' },
      })
  })

  test('decides whether the handler gets JSON or a stream', async () => {
    const { url } = await serve()
    expect(await send(url, '/small', 'application/json', '{"text":"a"}')).toEqual({ status: 200, body: { text: 'a' } })
    expect(await send(url, '/small', 'text/csv', 'a,b')).toEqual({ status: 200, body: 3 })
  })
})

describe('the size limit', () => {
  test('is that of the operation', async () => {
    const { url } = await serve()
    expect(await send(url, '/upload', 'text/csv', 'x'.repeat(5 * mebibyte))).toEqual({ status: 200, body: 5 * mebibyte })
    const detail = 'The body exceeds 100 bytes.'
    for (const type of ['application/json', 'text/csv']) {
      expect(await send(url, '/small', type, 'x'.repeat(101))).toMatchObject({ status: 413, body: { detail } })
      expect(await send(url, '/small', type, new Blob(['x'.repeat(101)]).stream())).toMatchObject({ status: 413, body: { detail } })
    }
  })

  test('holds for a body that does not declare its size, while the handler reads it', async () => {
    let read = 0
    const { url } = await serve(async ({ chunks }) => {
      for await (const chunk of chunks) read += chunk.length
      return { status: 200 }
    })
    const { socket, received } = begin(url, 'Transfer-Encoding: chunked')
    const piece = `100000\r\n${'x'.repeat(mebibyte)}\r\n`
    const wake = new EventEmitter()
    for (const event of ['drain', 'data', 'close']) socket.on(event, () => wake.emit('wake'))
    while (socket.writable && !received().includes('\r\n\r\n')) if (!socket.write(piece)) await once(wake, 'wake')
    expect(received()).toMatch(/^HTTP\/1\.1 413 [\s\S]*exceeds 64 MiB/)
    expect(read).toBeLessThanOrEqual(64 * mebibyte)
    socket.destroy()
  })
})

test('a body that is read as a whole and breaks off is a malformed request', async () => {
  const stream = new PassThrough()
  const request = Object.assign(stream, { headers: { 'content-type': 'application/json', 'content-length': '10' } })
  const accepted = { types: ['application/json'], acceptHeader: 'Accept' as const, maxBytes: mebibyte }
  const read = () =>
    readBody(request as unknown as IncomingMessage, {} as ServerResponse, accepted, (_, body) => body(), 30_000).catch(
      (error: Problem) => error,
    )
  const body = read()
  stream.write('{"a"')
  stream.destroy()
  expect(await body).toMatchObject({ kind: 'malformed-request' })
  expect(await read()).toMatchObject({ kind: 'malformed-request' })
})

describe('a body in chunks', () => {
  test('is not read faster than its handler takes it', async () => {
    let go: () => void = () => {}
    const waiting = new Promise<void>(resolve => {
      go = resolve
    })
    const { url } = await serve(async ({ chunks }) => {
      let size = 0
      for await (const chunk of chunks) {
        size += chunk.length
        await waiting
      }
      return { status: 200, body: size }
    })
    const { socket, received } = begin(url, `Content-Length: ${32 * mebibyte}`)
    socket.write(Buffer.alloc(32 * mebibyte))
    for (let i = 0; i < 50; i++) await fetch(`${url}/livez`).then(reply => reply.text())
    expect(socket.writableLength).toBeGreaterThan(0)
    go()
    await eventually(() => expect(received()).toContain(`\r\n\r\n${32 * mebibyte}`))
    socket.destroy()
  })

  test('is asked for when its handler begins to read it', async () => {
    let go: () => void = () => {}
    const waiting = new Promise<void>(resolve => {
      go = resolve
    })
    const { url } = await serve(async body => {
      await waiting
      return { status: 200, body: await sizeOf(body) }
    })
    const { socket, received } = begin(url, 'Content-Length: 3\r\nExpect: 100-continue')
    await fetch(`${url}/livez`)
    expect(received()).toBe('')
    go()
    await eventually(() => expect(received()).toBe('HTTP/1.1 100 Continue\r\n\r\n'))
    socket.write('a,b')
    await eventually(() => expect(received()).toMatch(/200 OK[\s\S]*\r\n\r\n3$/))
    socket.destroy()
  })

  test.for(['unread', 'after its first chunk'])('can be left by its handler, and the connection goes on: %s', async (when, _) => {
    const { url } = await serve(async ({ chunks }) => {
      if (when !== 'unread') for await (const _ of chunks) break
      return { status: 200, body: 'enough' }
    })
    const { socket, received } = begin(url, `Content-Length: ${mebibyte}`)
    socket.write(`${'x'.repeat(mebibyte)}GET /livez HTTP/1.1\r\nHost: x\r\n\r\n`)
    await eventually(() => expect(received()).toMatch(/"enough"[\s\S]*"alive"/))
    socket.destroy()
  })

  test('that is too long to be thrown away ends the connection', async () => {
    const { url } = await serve(async () => ({ status: 200, body: 'enough' }))
    const { socket, received } = begin(url, `Content-Length: ${32 * mebibyte}`)
    socket.write('x')
    await once(socket, 'end')
    expect(received()).toMatch(/\r\nConnection: close\r\n[\s\S]*"enough"$/)
    socket.destroy()
  })

  test('that breaks off is a problem of its client', async () => {
    const problems: unknown[] = []
    const { url, log } = await serve(async ({ chunks }) => {
      try {
        for await (const _ of chunks);
      } catch (error) {
        problems.push(error)
        throw error
      }
      return { status: 200 }
    })
    const { socket } = begin(url, 'Content-Length: 10')
    socket.write('abc')
    await fetch(`${url}/livez`)
    socket.destroy()
    await eventually(() => expect(log).toContainEqual(expect.objectContaining({ operation: 'upload', status: 400, level: 30 })))
    expect(problems).toMatchObject([{ kind: 'malformed-request' }])
  })

  test('takes no place of another request while it is waited for', async () => {
    const { url } = await serve(undefined, 1)
    const { socket, received } = begin(url, 'Content-Length: 4')
    socket.write('ab')
    await eventually(async () => {
      for (let i = 0; i < 3; i++) expect((await send(url, '/small', 'text/csv', 'a,b')).status).toBe(200)
    })
    socket.write('cd')
    await eventually(() => expect(received()).toMatch(/200 OK[\s\S]*\r\n\r\n4$/))
    socket.destroy()
  })
})

describe('a client that is slow', () => {
  async function serveQuickly() {
    const api = smallApi({})
    const server = await start({ databaseUrl: noDatabase, api, timeouts: { requestMs: 1_000, headersMs: 1_000, checkMs: 50 } })
    onTestFinished(server.stop)
    return server
  }

  test('may take longer for a large body than for a request', async () => {
    const { url } = await serveQuickly()
    const { socket, received } = begin(url, `Content-Length: ${mebibyte}\r\nConnection: close`)
    // A body of 900 KiB has almost half a minute more, which a busy machine does not lose here.
    for (const size of [900 * 1024, 1, 1, 1]) {
      socket.write(Buffer.alloc(size))
      await sleep(600)
    }
    expect(received()).toBe('')
    socket.write(Buffer.alloc(mebibyte - 900 * 1024 - 3))
    await eventually(() => expect(received()).toMatch(/^HTTP\/1\.1 200 /))
    socket.destroy()
  })

  test('is refused when it sends too little', async () => {
    const { url } = await serveQuickly()
    const { socket, received } = begin(url, `Content-Length: ${mebibyte}`)
    socket.write('x')
    await eventually(() => expect(received()).toMatch(/^HTTP\/1\.1 408 /))
    socket.destroy()
  })
})
