// Requests to hostile addresses and receivers. The receivers are on the loopback, so tests that are about something else allow it.
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createOutgoing, type Outcome, type Resolve } from '../../src/background/outgoing.ts'
import { selfSigned } from '../faults/certificate.ts'
import { eventually } from '../support/clock.ts'

const never = new AbortController().signal
const outcome = (status: number | null, error: string | null = null): Outcome => ({ status, error, durationMs: expect.any(Number) })

async function listening<Some extends Server>(server: Some): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

/** Sends to a receiver of this machine, which is allowed. */
async function post(server: Server, { scheme = 'http', host = '127.0.0.1', timeoutMs = 60_000, signal = never, resolve = local() } = {}) {
  const { port, sockets } = await listening(server)
  const { post } = createOutgoing({ privateAddresses: true, timeoutMs, resolve })
  const result = await post(`${scheme}://${host}:${port}/hook?key=1`, { 'content-type': 'application/json' }, '{"a":"ü"}', signal)
  await eventually(() => expect(sockets.size).toBe(0))
  return result
}

const local = (): Resolve => async () => ['127.0.0.1']
const answering = (listener: RequestListener) => createServer(listener)
const raw = (talk: (socket: Socket) => void) => createTcpServer(socket => void socket.once('data', () => talk(socket)))
const head = 'HTTP/1.1 200 OK\r\n'

test('sends the body once, over a connection of its own, and closes it', async () => {
  const seen: unknown[] = []
  const result = await post(
    answering(async (request, response) => {
      const { method, url, headers } = request
      seen.push({ method, url, body: await text(request), length: headers['content-length'], connection: headers.connection })
      response.writeHead(204).end()
    }),
  )
  expect(result).toEqual(outcome(204))
  expect(seen).toEqual([{ method: 'POST', url: '/hook?key=1', body: '{"a":"ü"}', length: '10', connection: 'close' }])
})

describe('never reaches a private address', () => {
  const { post } = createOutgoing({ privateAddresses: false })
  const refused = outcome(null, 'PRIVATE_ADDRESS')

  test.for([
    ...['127.0.0.1', 'localhost.', '2130706433', '0', '10.1.2.3', '169.254.169.254', '192.168.0.1', '100.64.0.1'],
    ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:a9fe:a9fe]', '[fe80::1]', '[fd00::1]', '[64:ff9b::7f00:1]', '[2002:7f00:1::]'],
  ])('%s', async host => {
    let connections = 0
    const { port } = await listening(createTcpServer(() => connections++))
    const resolve: Resolve = async () => ['127.0.0.1']
    const { post } = createOutgoing({ privateAddresses: false, resolve })
    for (const scheme of ['https', 'http']) expect(await post(`${scheme}://${host}:${port}/`, {}, '', never)).toEqual(refused)
    await turn()
    expect(connections).toBe(0)
  })

  test.for([
    ['a private IPv4 address', ['10.0.0.1']],
    ['a private IPv6 address', ['fd00::1']],
    ['the loopback in the form of IPv6', ['::ffff:127.0.0.1']],
    ['a private address beside a public one', ['1.1.1.1', '192.168.0.1']],
    ['no address at all', ['nonsense']],
  ] as const)('a name that resolves to %s', async ([, addresses]) => {
    const { post } = createOutgoing({ privateAddresses: false, resolve: async () => [...addresses] })
    expect(await post('https://hooks.test/', {}, '', never)).toEqual(refused)
  })

  test('a name that is public at first and private at the next look-up', async () => {
    const { port } = await listening(answering((_, response) => response.end()))
    const isAllowed = (address: string) => address === '127.0.0.1' // stands for a public address
    const resolve = vi.fn<Resolve>().mockResolvedValueOnce(['127.0.0.1']).mockResolvedValue(['127.0.0.2'])
    const { post } = createOutgoing({ privateAddresses: true, resolve, isAllowed })
    const send = () => post(`http://hooks.test:${port}/`, {}, '', never)
    expect(await send()).toEqual(outcome(200))
    expect(resolve).toHaveBeenCalledTimes(1) // the connection goes to the address that was checked
    expect(await send()).toEqual(refused)
  })

  test('a connection that ends elsewhere than its address says', async () => {
    const received: unknown[] = []
    const closed = Promise.withResolvers<void>()
    const { port } = await listening(
      createTcpServer(socket => void socket.on('data', chunk => received.push(chunk)).on('close', () => closed.resolve())),
    )
    const isAllowed = vi.fn().mockReturnValueOnce(true).mockReturnValue(false)
    const { post } = createOutgoing({ privateAddresses: true, resolve: local(), isAllowed })
    for (const scheme of ['http', 'https']) {
      isAllowed.mockReset().mockReturnValueOnce(true).mockReturnValue(false)
      expect(await post(`${scheme}://hooks.test:${port}/`, {}, 'x', never)).toEqual(refused)
    }
    await closed.promise
    expect(received).toEqual([])
  })

  test('by a redirect', async () => {
    let requests = 0
    const target = await listening(answering(() => requests++))
    for (const status of [301, 302, 303, 307, 308]) {
      const location = `http://127.0.0.1:${target.port}/`
      const resolve = local()
      const { port } = await listening(answering((_, response) => response.writeHead(status, { location }).end()))
      const { post } = createOutgoing({ privateAddresses: true, resolve, isAllowed: () => true })
      expect(await post(`http://hooks.test:${port}/`, {}, '', never)).toEqual(outcome(status))
    }
    expect(requests).toBe(0)
  })

  test('without TLS', async () => {
    const { post } = createOutgoing({ privateAddresses: false, resolve: async () => ['1.1.1.1'] })
    expect(await post('http://hooks.test/', {}, '', never)).toEqual(outcome(null, 'HTTPS_REQUIRED'))
  })

  test('by name, with the resolver of production', async () => {
    const { status, error } = await post('https://localhost/', {}, '', never)
    expect([status, typeof error]).toEqual([null, 'string'])
  })
})

describe('a name', () => {
  test('that does not exist is an error with a code', async () => {
    const { post } = createOutgoing({ privateAddresses: true })
    expect((await post('https://hooks.invalid/', {}, '', never)).error).toMatch(/^(ENOTFOUND|EAI_AGAIN)$/)
  })

  test('whose server does not answer ends with the time limit', async () => {
    const resolve = () => new Promise<never>(() => {})
    const { post } = createOutgoing({ privateAddresses: false, resolve, timeoutMs: 50 })
    expect(await post('https://hooks.test/', {}, '', never)).toEqual(outcome(null, 'TIMEOUT'))
  })

  test('without an address is not found', async () => {
    const { post } = createOutgoing({ privateAddresses: false, resolve: async () => [] })
    expect(await post('https://hooks.test/', {}, '', never)).toEqual(outcome(null, 'ENOTFOUND'))
  })
})

describe('a receiver', () => {
  const short = { timeoutMs: 300 }

  test('that answers 1 GB is left after a little of it', async () => {
    let written = 0
    const chunk = Buffer.alloc(64 * 1024)
    const server = raw(socket => {
      socket.write(`${head}Content-Length: ${2 ** 30}\r\n\r\n`)
      const write = () => {
        while (!socket.destroyed && written < 2 ** 30) {
          written += chunk.length
          if (!socket.write(chunk)) return void socket.once('drain', write)
        }
      }
      write()
    })
    expect(await post(server)).toEqual(outcome(200))
    expect(written).toBeLessThan(2 ** 26) // what the buffers of the system take, and no more
  })

  test('that never answers ends with the time limit', async () => {
    expect(
      await post(
        raw(() => {}),
        short,
      ),
    ).toEqual(outcome(null, 'TIMEOUT'))
  })

  test('that sends its head byte by byte ends with the time limit', async () => {
    const server = raw(socket => {
      socket.write(head)
      const timer = setInterval(() => socket.write('X'), 10)
      socket.on('close', () => clearInterval(timer))
    })
    expect(await post(server, short)).toEqual(outcome(null, 'TIMEOUT'))
  })

  test('that sends its body byte by byte has accepted the request', async () => {
    const server = raw(socket => {
      socket.write(`${head}\r\n`)
      const timer = setInterval(() => socket.write('X'), 10)
      socket.on('close', () => clearInterval(timer))
    })
    expect(await post(server, { timeoutMs: 2_000 })).toEqual(outcome(200))
  })

  test.for<[string, string, RegExp]>([
    ['endless interim replies', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(1_000), /^TIMEOUT$/],
    ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n', /^UPGRADE$/],
    ['something else than HTTP', '220 mail.test ESMTP\r\n', /^HPE_/],
    ['a head of 100 KB', `${head}X: ${'x'.repeat(100_000)}`, /^HPE_HEADER_OVERFLOW$/],
  ])('that answers %s fails', async ([, answer, error]) => {
    const result = await post(
      raw(socket => void socket.write(answer)),
      { timeoutMs: 1_000 },
    )
    expect([result.status, result.error]).toEqual([null, expect.stringMatching(error)])
  })

  test('that closes the connection fails', async () => {
    expect(await post(raw(socket => socket.end()))).toEqual(outcome(null, 'ECONNRESET'))
  })

  test('that breaks off in its body has accepted the request', async () => {
    expect(await post(raw(socket => void socket.end(`${head}Content-Length: 100\r\n\r\nhalf`)))).toEqual(outcome(200))
  })

  test('that does not listen fails', async () => {
    const server = createTcpServer()
    const { port } = await listening(server)
    await new Promise(resolve => server.close(resolve))
    const { post } = createOutgoing({ privateAddresses: true })
    expect(await post(`http://127.0.0.1:${port}/`, {}, '', never)).toEqual(outcome(null, 'ECONNREFUSED'))
  })

  test.for([404, 410, 500])('that answers %i is an outcome, no exception', async status => {
    expect(await post(answering((_, response) => response.writeHead(status).end('x')))).toEqual(outcome(status))
  })
})

describe('TLS', () => {
  test('refuses a certificate of an unknown authority, also if the environment allows it', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    onTestFinished(() => void vi.unstubAllEnvs())
    let requests = 0
    const { key, certificate } = selfSigned()
    const server = createTlsServer({ key, cert: certificate }, () => requests++).on('tlsClientError', () => {})
    const result = await post(server, { scheme: 'https', host: 'hooks.test' })
    expect(result).toEqual(outcome(null, 'DEPTH_ZERO_SELF_SIGNED_CERT'))
    expect(requests).toBe(0)
  })

  test('refuses a receiver that does not speak it', async () => {
    const server = raw(socket => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const { status, error } = await post(server, { scheme: 'https' })
    expect([status, error]).toEqual([null, expect.stringMatching(/^ERR_SSL_/)])
  })

  test('ends with the time limit if the receiver is silent, and at once if it closes', async () => {
    expect(
      await post(
        raw(() => {}),
        { scheme: 'https', timeoutMs: 300 },
      ),
    ).toEqual(outcome(null, 'TIMEOUT'))
    expect(
      await post(
        raw(socket => socket.destroy()),
        { scheme: 'https' },
      ),
    ).toEqual(outcome(null, 'ECONNRESET'))
  })
})

test('rejects when the caller aborts', async () => {
  const abort = new AbortController()
  const sent = post(
    raw(() => abort.abort(new Error('stop'))),
    { signal: abort.signal },
  )
  await expect(sent).rejects.toThrow('stop')
})
