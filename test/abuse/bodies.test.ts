// Bodies that are meant to cost the server more than their sender.
import { once } from 'node:events'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect } from 'vitest'
import { test, tokenOf } from '../support/taskspec.ts'
import { expectRefused, open, replies, statuses, warnings } from './talk.ts'

const tasks = '/v1/users/me/tasks'
const mebibyte = 1024 * 1024
const json = { 'content-type': 'application/json' }

afterEach<{ service: { log: Record<string, unknown>[] } }>(({ service }) => {
  expect(warnings(service.log)).toEqual([])
})

/** As many parts as fit into a body. */
function filled(begin: string, part: (i: number) => string, end: string): string {
  const parts: string[] = []
  for (let i = 0, length = begin.length + end.length; ; i++) {
    const next = part(i)
    length += next.length + 1
    if (length > mebibyte) break
    parts.push(next)
  }
  return begin + parts.join(',') + end
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
const key = (name: unknown) => `${JSON.stringify(name)}:1`

describe('is refused while others are served', () => {
  test.for<[string, string | Uint8Array, number]>([
    ['half a million nested arrays', nested(mebibyte / 2), 422],
    ['150,000 nested objects', '{"a":'.repeat(150_000) + 1 + '}'.repeat(150_000), 422],
    ['nested arrays as a title', `{"title":${nested(500_000)}}`, 422],
    ['two labels of nested arrays, which are compared', `{"title":"a","labels":[${nested(250_000)},${nested(250_000)}]}`, 422],
    ['nested arrays without an end', '['.repeat(mebibyte), 400],
    ['more than 100,000 keys', filled('{', i => key(i.toString(36)), '}'), 422],
    ['keys that are numbers', filled('{', i => key(String(i)), '}'), 422],
    ['numeric keys whose hashes may collide', filled('{', i => key(String(2 ** 24 * (i % 200) + 2 ** 20 * Math.floor(i / 200))), '}'), 422],
    ['keys with the same hash in many languages', filled('{', i => key(collision(i)), '}'), 422],
    ['one key many times', filled('{', () => key('title'), '}'), 422],
    ['more than 100,000 labels, all different', filled('{"title":"a","labels":[', i => `"${i.toString(36)}"`, ']}'), 422],
    ['100,000 labels that are objects', filled('{"title":"a","labels":[', i => `{"a":${i}}`, ']}'), 422],
    ['a number of a million digits', `{"title":"a","position":${'9'.repeat(mebibyte - 30)}}`, 422],
    ['a million decimal places', `{"title":0.${'9'.repeat(mebibyte - 30)}}`, 422],
    ['numbers above the largest one', '{"title":"a","labels":[1e999,-1e999],"priority":1e999}', 422],
    ['a text of a million letters', JSON.stringify({ title: 'x'.repeat(mebibyte - 30) }), 422],
    ['a text of a million escapes', `{"title":"${'\\ud83d\\ude00'.repeat(80_000)}"}`, 422],
    ['NUL', '{"title":"a\\u0000b"}', 422],
    ['NUL in a label', '{"title":"a","labels":["\\u0000"]}', 422],
    ['a high surrogate alone', '{"title":"a\\ud800b"}', 422],
    ['a low surrogate alone', '{"title":"a","description":"\\udc00"}', 422],
    ['NUL in JSON', '{"title":"a\0b"}', 400],
    ['overlong UTF-8', Buffer.from('7b227469746c65223a22c0ae227d', 'hex'), 400],
    ['a surrogate in UTF-8', Buffer.from('7b227469746c65223a22eda080227d', 'hex'), 400],
    ['UTF-16', Buffer.from('{"title":"a"}', 'utf16le'), 400],
    ['__proto__', '{"title":"a","__proto__":{"completed":true}}', 422],
    ['__proto__ with an escape', '{"title":"a","\\u005f_proto__":1}', 422],
    ['constructor', '{"title":"a","constructor":{"prototype":{"completed":true}}}', 422],
    ['toString', '{"title":"a","toString":1,"hasOwnProperty":1}', 422],
    ['a string instead of an object', '"title"', 422],
  ])('%s', async ([, body, status], { as, service }) => {
    const ann = await as('ann')
    const headers = { ...json, authorization: `Bearer ${await tokenOf(ann.id)}` }
    const refused = fetch(service.url + tasks, { method: 'POST', headers, body: body as string })
    await ann.listTasks()
    const reply = await refused
    expect([reply.status, reply.headers.get('content-type')]).toEqual([status, 'application/problem+json'])
    expect((await reply.text()).length).toBeLessThan(100_000)
    expect(Object.keys(Object.prototype)).toEqual([])
    expect(({} as { completed?: boolean }).completed).toBe(undefined)
  })
})

/** Texts with the same hash in Java, PHP and others, where "Aa" and "BB" collide. */
function collision(i: number): string {
  return i.toString(2).padStart(17, '0').replaceAll('0', 'Aa').replaceAll('1', 'BB')
}

test('the last value of a duplicate key counts', async ({ as }) => {
  const ann = await as('ann')
  const { body } = await ann.send('POST', tasks, { headers: json, body: '{"title":"first","title":"last"}' })
  expect(body).toMatchObject({ title: 'last' })
})

// A gzip file may have several members (RFC 1952, section 2.2). So 50 MiB cost no more than compressing one.
const bomb = Buffer.concat(Array(50).fill(gzipSync(Buffer.alloc(mebibyte, ' '))))

describe('a compressed body', () => {
  test.for(['gzip', 'br', 'deflate', 'zstd', 'GZIP', 'identity, gzip', 'x'])('as %s is refused unread: 415', async (coding, { as }) => {
    const ann = await as('ann')
    expect((await ann.send('POST', tasks, { headers: { ...json, 'content-encoding': coding }, body: bomb })).status).toBe(415)
  })
})

describe('a body above 1 MiB', () => {
  const head = async (id: string, headers: string) =>
    `POST ${tasks} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${await tokenOf(id)}\r\nContent-Type: application/json\r\n${headers}\r\n`

  test('is refused before it is sent', async ({ service }) => {
    for (const expectation of ['', 'Expect: 100-continue\r\n']) {
      const { socket, ended } = open(service.url)
      socket.write(await head('large', `Content-Length: ${10 * 1024 * mebibyte}\r\n${expectation}`))
      const [reply, ...rest] = replies(await ended)
      expect([reply?.status, reply?.headers.get('connection'), rest]).toEqual([413, 'close', []])
    }
  })

  test('is only requested with 100 Continue when it is read', async ({ service }) => {
    const { socket, received } = open(service.url)
    socket.write(await head('small', 'Content-Length: 2\r\nExpect: 100-continue\r\n'))
    await once(socket, 'data')
    expect(received()).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write('{}')
    await once(socket, 'data')
    expect(statuses(replies(received().replace('HTTP/1.1 100 Continue\r\n\r\n', '')))).toEqual([422])
    socket.destroy()
  })

  test.for(['declared', 'in chunks', 'in chunks of one byte', 'without a token'])(
    'is not read to the end: %s',
    async (way, { service }) => {
      const { socket, ended } = open(service.url)
      const framing = way === 'declared' ? `Content-Length: ${1024 * mebibyte}\r\n` : 'Transfer-Encoding: chunked\r\n'
      const begin = await head('endless', framing)
      socket.write(way === 'without a token' ? begin.replace('Bearer', 'Basic') : begin)
      const piece =
        way === 'declared' ? ' '.repeat(65_536) : way.endsWith('byte') ? '1\r\n \r\n'.repeat(10_000) : `10000\r\n${' '.repeat(65_536)}\r\n`
      let sent = 0
      for (; socket.writable && sent < 512 * mebibyte; sent += piece.length)
        if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), ended]).catch(() => {})
      const [reply] = replies(await ended)
      expect([reply?.status, reply?.headers.get('connection')]).toEqual([way === 'without a token' ? 401 : 413, 'close'])
      expect(sent).toBeLessThan(64 * mebibyte) // most of it is in the buffers of the operating system
    },
  )

  test('leaves the connection open when it is small enough to be discarded', async ({ service }) => {
    const { socket, ended } = open(service.url)
    const body = ' '.repeat(1000)
    for (let i = 0; i < 3; i++) socket.write(`POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    expect(statuses(replies(await ended))).toEqual([404, 404, 404, 200])
  })
})

test('a million spaces are refused as malformed JSON', async ({ service }) => {
  const { socket, ended } = open(service.url)
  const token = await tokenOf('spaces')
  const head = `POST ${tasks} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nConnection: close\r\n`
  socket.write(`${head}Content-Length: ${mebibyte}\r\n\r\n${' '.repeat(mebibyte)}`)
  expectRefused(replies(await ended), 400, 'malformed-json', service.log)
})
