// A key server that only a forward proxy can reach: nothing listens at its address.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request as send, setGlobalProxyFromEnv } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { keysFinding } from '../../src/cli/findings/keys.ts'
import { readConfig } from '../../src/config/config.ts'
import { selfSigned } from '../faults/certificate.ts'
import { client } from '../support/client.ts'
import { nodeEnvironment } from '../support/environment.ts'
import { signer } from '../support/keyserver.ts'
import { listening, run } from '../support/process.ts'
import { record } from '../support/record.ts'
import { test as base } from '../support/taskspec.ts'

const { jwk, sign } = await signer('EdDSA')
const { key, certificate } = selfSigned()
const password = 'proxy-hunter2'
record('secrets', password)

type Proxy = { url: string; seen: string[]; refuse: boolean }
const test = base.extend<{ $test: { proxy: Proxy; certificateFile: string } }>({
  /** Leads every request to a key server, whatever its address. It expects a user and a password. */
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
  proxy: async ({}, use) => {
    const answer = (_: unknown, response: { end: (body: string) => void }) => response.end(JSON.stringify({ keys: [jwk] }))
    const [plain, tls] = [createServer(answer), createTlsServer({ key, cert: certificate }, answer)]
    const proxy: Proxy = { url: '', seen: [], refuse: false }
    const server = createServer((request, response) => {
      if (!admit(request)) return void response.writeHead(407).end()
      send({ port: portOf(plain), agent: false }, reply => reply.pipe(response)).end()
    }).on('connect', (request, socket) => {
      if (!admit(request)) return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      const upstream = connect(portOf(tls), '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
      upstream.on('error', () => socket.destroy()).pipe(socket)
      socket.on('error', () => upstream.destroy()).pipe(upstream)
    })
    function admit({ method, url, headers }: IncomingMessage): boolean {
      proxy.seen.push(`${method} ${url}`)
      return !proxy.refuse && headers['proxy-authorization'] === `Basic ${Buffer.from(`us@er:${password}`).toString('base64')}`
    }
    const servers = [plain, tls, server]
    for (const each of servers) await once(each.listen(0, '127.0.0.1'), 'listening')
    proxy.url = `http://us%40er:${password}@127.0.0.1:${portOf(server)}`
    await use(proxy)
    for (const each of servers) each.close().closeAllConnections()
  },
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
  certificateFile: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'taskspec-'))
    await writeFile(join(folder, 'ca.pem'), certificate)
    await use(join(folder, 'ca.pem'))
    await rm(folder, { recursive: true })
  },
})

const portOf = (server: { address: () => unknown }) => (server.address() as AddressInfo).port

test('the server fetches keys over TLS through HTTPS_PROXY, and logs no password', async ({ proxy, certificateFile, service }) => {
  const settings = { DATABASE_URL: service.databaseUrl, NODE_ENV: 'production', AUTH_JWKS_URL: 'https://localhost:2/jwks', AUTH_SECRET: '' }
  const server = run({ ...settings, HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: certificateFile })
  const ann = client(await listening(server), await sign())
  proxy.refuse = true
  await ann.getUser({}, 503)
  proxy.refuse = false
  await expect.poll(async () => (await ann.send('GET', '/v1/users/me')).status, { timeout: 20_000 }).toBe(200)
  expect(new Set(proxy.seen)).toEqual(new Set(['CONNECT localhost:2']))
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  expect(server.output()).toContain('is behind a proxy that answers 407')
  expect(server.output()).not.toContain(password)
})

test('the doctor fetches keys through http_proxy', async ({ proxy }) => {
  const program = fileURLToPath(new URL('../../src/cli/doctor.ts', import.meta.url))
  const env = { ...nodeEnvironment, AUTH_JWKS_URL: 'http://keys.test/jwks?a=b', http_proxy: proxy.url }
  const child = spawn(process.execPath, [program], { env })
  const output = await text(child.stdout)
  expect(output).toContain('ok  keys        1 usable key at http://keys.test/jwks?a=b\n')
  expect(output).not.toContain(password)
  expect(proxy.seen).toEqual(['GET http://keys.test/jwks?a=b'])
})

test.for<[url: string, noProxy: string, refuse: boolean, finding: string, seen: number]>([
  ['http://127.0.0.1:2/jwks', '', false, '1 usable key', 1],
  ['http://127.0.0.1:2/jwks', '', true, 'is behind a proxy that answers 407', 1],
  ['https://127.0.0.1:2/jwks', '', true, 'is behind a proxy that answers 407', 1],
  ['http://127.0.0.1:2/jwks', 'example.com, 127.0.0.1', false, 'is not reachable (ECONNREFUSED)', 0],
  ['http://a.keys.test:2/jwks', '.keys.test', false, 'is not reachable', 0],
  ['http://127.0.0.1:2/jwks', '*', false, 'is not reachable', 0],
])('%s with NO_PROXY=%s, and a proxy that refuses: %s', async ([url, NO_PROXY, refuse, finding, seen], { proxy, onTestFinished }) => {
  const config = readConfig({ AUTH_JWKS_URL: url, HTTP_PROXY: proxy.url, NO_PROXY })
  onTestFinished(setGlobalProxyFromEnv(config.proxy ?? {}))
  proxy.refuse = refuse
  expect((await keysFinding(config)).state).toContain(finding)
  expect(proxy.seen).toHaveLength(seen)
})
