// Requests that the server and a proxy before it might read differently.
import { afterEach, describe, expect } from 'vitest'
import { eventually } from '../support/clock.ts'
import { test, tokenOf } from '../support/taskspec.ts'
import { expectRefused, open, replies, statuses, talk, warnings } from './talk.ts'

const host = 'Host: x\r\n'
const json = 'Content-Type: application/json\r\n'
const get = (target: string, headers = host) => `GET ${target} HTTP/1.1\r\n${headers}\r\n`
const post = (headers: string, body: string) => `POST /v1/users/me/tasks HTTP/1.1\r\n${host}${json}AUTH${headers}\r\n${body}`
const chunked = 'Transfer-Encoding: chunked\r\n'
const smuggled = get('/docs')
const authorized = async (bytes: string, id: string) => bytes.replace('AUTH', `Authorization: Bearer ${await tokenOf(id)}\r\n`)

afterEach<{ service: { log: Record<string, unknown>[] } }>(({ service }) => {
  expect(warnings(service.log)).toEqual([])
})

describe('is refused, and nothing after it is read as a request', () => {
  test.for<[string, string]>([
    ['Content-Length before Transfer-Encoding', post(`Content-Length: 4\r\n${chunked}`, `0\r\n\r\n${smuggled}`)],
    ['Transfer-Encoding before Content-Length', post(`${chunked}Content-Length: 4\r\n`, `0\r\n\r\n${smuggled}`)],
    ['two Content-Lengths', post('Content-Length: 2\r\nContent-Length: 40\r\n', `{}${smuggled}`)],
    ['the same Content-Length twice', post('Content-Length: 2\r\nContent-Length: 2\r\n', '{}')],
    ['a list as Content-Length', post('Content-Length: 2, 2\r\n', '{}')],
    ['a sign in Content-Length', post('Content-Length: +2\r\n', '{}')],
    ['a negative Content-Length', post('Content-Length: -2\r\n', '{}')],
    ['a hexadecimal Content-Length', post('Content-Length: 0x2\r\n', '{}')],
    ['a Content-Length above the largest number', post(`Content-Length: ${'9'.repeat(40)}\r\n`, '{}')],
    ['an empty Content-Length', post('Content-Length:\r\n', smuggled)],
    ['Transfer-Encoding: xchunked', post('Transfer-Encoding: xchunked\r\n', `2\r\n{}\r\n0\r\n\r\n${smuggled}`)],
    ['Transfer-Encoding: gzip, chunked', post('Transfer-Encoding: gzip, chunked\r\n', '2\r\n{}\r\n0\r\n\r\n')],
    ['Transfer-Encoding: chunked, identity', post(`${chunked}Transfer-Encoding: identity\r\n`, '2\r\n{}\r\n0\r\n\r\n')],
    ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', '2\r\n{}\r\n0\r\n\r\n')],
    ['a control character before chunked', post('Transfer-Encoding: \x0bchunked\r\n', '2\r\n{}\r\n0\r\n\r\n')],
    ['space before the colon', post('Transfer-Encoding : chunked\r\n', `0\r\n\r\n${smuggled}`)],
    ['space in the name', get('/livez', `${host}X A: b\r\n`)],
    ['a folded header', get('/livez', `${host}X-A: b\r\n c\r\n`)],
    ['a folded first header', get('/livez', ` X-A: b\r\n${host}`)],
    ['lines that end with LF alone', 'GET /livez HTTP/1.1\nHost: x\n\n'],
    ['one header that ends with LF alone', get('/livez', 'Host: x\nX-A: b\r\n')],
    ['CR within a header', get('/livez', `${host}X-A: b\rX-B: c\r\n`)],
    ['NUL within a header', get('/livez', `${host}X-A: b\0c\r\n`)],
    ['a header without a name', get('/livez', `${host}: b\r\n`)],
    ['a header without a colon', get('/livez', `${host}hello\r\n`)],
    ['a chunk size that is no number', post(chunked, 'zz\r\n{}\r\n0\r\n\r\n')],
    ['a chunk size with 0x', post(chunked, '0x2\r\n{}\r\n0\r\n\r\n')],
    ['a negative chunk size', post(chunked, '-2\r\n{}\r\n0\r\n\r\n')],
    ['a chunk size above the largest number', post(chunked, `${'f'.repeat(20)}\r\n{}\r\n0\r\n\r\n`)],
    ['a chunk that is longer than its size', post(chunked, '1\r\n{}\r\n0\r\n\r\n')],
    ['a chunk line that ends with LF alone', post(chunked, `2\n{}\n0\n\n${smuggled}`)],
    ['chunks in HTTP/1.0', post(chunked, '2\r\n{}\r\n0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0')],
    ['HTTP/0.9', 'GET /livez\r\n\r\n'],
    ['HTTP/1.2', get('/livez').replace('1.1', '1.2')],
    ['HTTP/2.0', get('/livez').replace('1.1', '2.0')],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', '\x16\x03\x01\x02\x00\x01\x00'],
    ['a method that is no token', 'G(ET /livez HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['an unknown method of another version', 'FETCH /livez HTTP/1.2\r\nHost: x\r\n\r\n'],
    ['an unknown method without a target', 'FETCH HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a word', 'hello\r\n\r\n'],
    ['GET of the whole server', get('*')],
    ['PUT with Content-Range', get('/v1/users/me/tasks/x', `${host}Content-Range: bytes 0-1/2\r\n`).replace('GET', 'PUT')],
    ['no Host', get('/livez', '')],
    ['two Hosts', get('/livez', `${host}Host: y\r\n`)],
    ['an empty Host', get('/livez', 'Host:\r\n')],
    ['a Host with a path', get('/livez', 'Host: x/y\r\n')],
    ['a Host with a user', get('/livez', 'Host: ann@x\r\n')],
    ['two names in one Host', get('/livez', 'Host: x, y\r\n')],
    ['a Host with a port that is no number', get('/livez', 'Host: x:y\r\n')],
    ['a fragment', get('/livez#x')],
    ['a fragment after an authority-like path', get('//a:b@c:x/#livez')],
    ['another scheme', get('ftp://x:99999999/livez')],
    ['a target without a slash', get('livez')],
    ['a target with a backslash', get('\\livez')],
    ['a space in the target', get('/live z')],
    ['NUL in the target', get('/livez\0')],
    ['bytes above ASCII in the target', get('/\xc0\xae\xc0\xae/livez')],
  ])('%s', async ([, bytes], { service }) => {
    expectRefused(await talk(service.url, await authorized(bytes, 'framing')), 400, 'malformed-request', service.log)
  })

  test('chunk extensions of 20,000 bytes', async ({ service }) => {
    const bytes = post(chunked, `2;a=${'b'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`)
    expectRefused(await talk(service.url, await authorized(bytes, 'framing')), 413, 'content-too-large', service.log)
  })

  test.for<[string, string]>([
    ['headers of more than 64 KiB', get('/livez', `${host}X-A: ${'b'.repeat(66_000)}\r\n`)],
    ['a target of more than 64 KiB', get(`/livez?${'b'.repeat(66_000)}`)],
    ['more than 200 headers', get('/livez', host + 'X-A: b\r\n'.repeat(201))],
  ])('%s', async ([, bytes], { service }) => {
    expectRefused(await talk(service.url, bytes), 431, 'headers-too-large', service.log)
  })
})

describe('has one meaning', () => {
  test.for<[string, string, number]>([
    ['a chunk with an extension', post(chunked, '2;a=b\r\n{}\r\n0\r\n\r\n'), 422],
    ['chunked in capitals', post('Transfer-Encoding: CHUNKED\r\n', '2\r\n{}\r\n0\r\n\r\n'), 422],
    ['trailers, which are ignored', post(chunked, '2\r\n{}\r\n0\r\nAuthorization: x\r\nContent-Type: text/plain\r\n\r\n'), 422],
    ['an absolute target', get('http://elsewhere.example/livez?'), 200],
    ['an absolute target with a port that is no number', get('http://elsewhere.example:x/livez'), 200],
    ['an absolute target without a path', get('http://[::1'), 404],
    ['an IPv6 address as Host', get('/livez', 'Host: [::1]:3000\r\n'), 200],
    ['200 headers', get('/livez', host + 'X-A: b\r\n'.repeat(199)), 200],
    ['two tokens, which make none', post(`Authorization: Bearer x\r\nContent-Length: 2\r\n`, '{}'), 401],
    ['two media types, which make none', post(`Content-Type: text/plain\r\nContent-Length: 2\r\n`, '{}'), 415],
    ['an unknown expectation', get('/livez', `${host}Expect: wonders\r\n`), 200],
    ['OPTIONS *', get('*').replace('GET', 'OPTIONS'), 204],
    ['OPTIONS of an absolute target without a path', get('http://x').replace('GET', 'OPTIONS'), 204],
    ['OPTIONS of a path', get('http://x/livez').replace('GET', 'OPTIONS'), 204],
    ['OPTIONS of an unknown path', get('/*').replace('GET', 'OPTIONS'), 404],
    ['a body of GET', `${get('/livez', `${host}Content-Length: 2\r\n`)}{}`, 200],
    ['a body of DELETE', `DELETE /livez HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\n{}`, 405],
  ])('%s', async ([, bytes, status], { service }) => {
    expect(statuses(await talk(service.url, await authorized(bytes, 'framing')))).toEqual([status, 200])
  })

  test('HTTP/1.0, without a Host, closes the connection', async ({ service }) => {
    const { socket, ended } = open(service.url)
    socket.write('GET /livez HTTP/1.0\r\n\r\n')
    const all = replies(await ended)
    expect(statuses(all)).toEqual([200])
    expect(all[0]?.headers.get('connection')).toBe('close')
  })

  test('an unsupported upgrade is ignored', async ({ service }) => {
    const { socket, ended, received } = open(service.url)
    for (const protocol of ['h2c', 'websocket']) {
      const before = received().length
      socket.write(get('/livez', `${host}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`))
      await eventually(() => expect(statuses(replies(received().slice(before)))).toEqual([200]))
    }
    socket.end()
    expect(statuses(replies(await ended))).toEqual([200, 200])
  })

  test('thousands of pipelined requests are answered in order, while others are served', async ({ as, service }) => {
    const ann = await as('ann')
    await ann.getUser() // opens a connection to the database
    const paths = Array.from({ length: 2_000 }, (_, i) => (i % 7 === 0 ? '/nowhere' : '/livez'))
    const all = talk(service.url, paths.map(path => get(path)).join(''))
    await ann.createTask({ body: { title: 'a' } })
    expect(statuses(await all)).toEqual([...paths.map(path => (path === '/livez' ? 200 : 404)), 200])
  })
})

describe('paths', () => {
  test.for<[string, number]>([
    ['/v1/%75sers/me/t%61sks', 200],
    ['/v1/%75%73%65%72%73/%6d%65/%74%61%73%6B%73', 200],
    ['/%76%31/users/m%65/categories', 200],
    ['/l%69vez', 200],
    ['/d%6Fcs/%64ocs.css', 200],
    ['/docs/docs%2ecss', 200],
    ['http://elsewhere.example/l%69vez', 200],
  ])('%s is %d, because a percent-encoded letter equals the letter', async ([path, status], { service }) => {
    const all = await talk(service.url, get(path, `${host}Authorization: Bearer ${await tokenOf('letters')}\r\n`))
    expect(statuses(all)).toEqual([status, 200])
  })

  test.for<[string, number]>([
    ['/v1%2fusers/me', 404],
    ['/v1/users/me%2Ftasks', 403],
    ['/v1/users/%256de/tasks', 403],
    ['/%4Civez', 404],
    ['//livez', 404],
    ['/./livez', 404],
    ['/docs/../livez', 404],
    ['/%2e/livez', 404],
    ['/docs/%2e%2e/livez', 404],
    ['/docs%2fdocs.css', 404],
    ['/docs/%2e%2e%2f%2e%2e%2fpackage.json', 422],
    ['/docs/..%5c..%5cpackage.json', 422],
    ['/docs/docs.css%00.html', 422],
    ['/docs/%c0%ae%c0%ae', 422],
    ['/docs/__proto__', 404],
    ['/docs/constructor', 404],
    ['/livez%00', 404],
    ['/livez/', 404],
    ['/livez;a=b', 404],
    ['/v1/users/%zz', 403],
    ['/v1/users/%ff', 403],
    ['/v1/users/me%00', 403],
    ['/v1/users/me%2ftasks', 403],
    ['/v1/users/__proto__/tasks', 403],
    ['/v1/users/%2e%2e/tasks', 403],
    ['/v1/users/ME/tasks', 403],
    ['/v1/users/me/tasks/%2e%2e', 422],
    ['/v1/users/me/tasks/%0d%0aX-Injected:%201', 422],
    ['/v1/users/me/tasks?limit=1&limit=2', 422],
    ['/v1/users/me/tasks?__proto__=1', 422],
    ['/v1/users/me/tasks?constructor%5Bprototype%5D=1', 422],
    ['/v1/users/me/tasks?q=%ff%00', 400],
    ['/v1/users/me/tasks?cursor=__proto__', 422],
  ])('%s is %d', async ([path, status], { service }) => {
    const [reply, ...rest] = await talk(service.url, get(path, `${host}Authorization: Bearer ${await tokenOf('paths')}\r\n`))
    expect([reply?.status, statuses(rest)]).toEqual([status, [200]])
    expect(reply?.headers.get('content-type')).toBe('application/problem+json')
    expect(reply?.headers.has('x-injected')).toBe(false)
  })
})

describe('headers', () => {
  test('that name another host do not appear in replies', async ({ service }) => {
    const evil = 'Host: evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: evil\r\nForwarded: host=evil.example\r\n'
    const bytes = post('Content-Length: 13\r\n', '{"title":"a"}').replace(host, evil)
    const all = await talk(service.url, await authorized(bytes, 'hosts'))
    expect(statuses(all)).toEqual([201, 200])
    expect(all[0]?.headers.get('location')).toMatch(/^\/v1\/users\/hosts\/tasks\//)
    expect(JSON.stringify([[...(all[0]?.headers ?? [])], all[0]?.body])).not.toContain('evil')
  })

  test.for(['a;b', 'a\tb', '"', '\xfc', '\u007f', '<script>', 'x'.repeat(129), '$' + '{jndi:ldap://x}'])(
    'X-Request-Id: %j is neither returned nor logged',
    async (id, { service }) => {
      const before = service.log.length
      const [reply] = await talk(service.url, get('/livez', `${host}X-Request-Id: ${id}\r\n`))
      if (reply?.status === 400) return expectRefused([reply], 400, 'malformed-request', service.log)
      expect(reply?.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(JSON.stringify(service.log.slice(before))).not.toContain(JSON.stringify(id).slice(1, -1))
    },
  )

  test('that name another method are ignored', async ({ as, service }) => {
    const ann = await as('ann')
    const { body: task } = await ann.createTask({ body: { title: 'a' } })
    const overriding = ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'].map(name => `${name}: DELETE\r\n`).join('')
    const token = `Authorization: Bearer ${await tokenOf(ann.id)}\r\n`
    const all = await talk(service.url, get(`/v1/users/me/tasks/${task.id}?`, host + token + overriding))
    expect(statuses(all)).toEqual([200, 200])
    expect((await ann.getTask({ path: { taskId: task.id } })).body).toEqual(task)
  })
})

describe('methods', () => {
  test('TRACE returns nothing of the request', async ({ service }) => {
    const [reply] = await talk(service.url, `TRACE /livez HTTP/1.1\r\n${host}Cookie: secret\r\n\r\n`)
    expect([reply?.status, reply?.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS'])
    expect(reply?.body).not.toContain('secret')
  })

  test('OPTIONS * names the methods of the server', async ({ service }) => {
    const [reply] = await talk(service.url, get('*').replace('GET', 'OPTIONS'))
    expect([reply?.status, reply?.headers.get('allow')]).toEqual([204, 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT'])
  })

  test.for(['FETCH', 'get', 'GETT', 'GE', 'P', 'BREW', 'SETUP', 'GET_PARAMETER', 'PRI', "!#$%&'*+-.^_`|~1", 'X'.repeat(50)])(
    'the unknown method %s is 501',
    async (method, { service }) => {
      const all = await talk(service.url, `${get('/livez')}${get('/livez').replace('GET', method)}`)
      expect(all[0]?.status).toBe(200)
      expectRefused(all.slice(1), 501, 'not-implemented', service.log)
    },
  )

  test.for(['', 'bytes for the other side', smuggled])('CONNECT is 501, and %j behind it is not read', async (rest, { service }) => {
    const { socket, ended } = open(service.url)
    socket.write(`${get('/livez')}CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n${rest}`)
    const all = replies(await ended)
    expect(all[0]?.status).toBe(200)
    expectRefused(all.slice(1), 501, 'not-implemented', service.log)
  })
})
