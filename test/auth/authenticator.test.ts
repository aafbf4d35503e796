// Which tokens are accepted, with which keys, and what happens while the key server is down.
import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, vi } from 'vitest'
import { createAuthenticator } from '../../src/auth/authenticator.ts'
import type { AuthConfig } from '../../src/config/auth.ts'
import { type Client, client, type Problem } from '../support/client.ts'
import { claims, createKeyServer, hmac, type KeyServer, now, type Signer, signer } from '../support/keyserver.ts'
import { auth, test as base, type Service, start } from '../support/taskspec.ts'

const algorithms = ['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'PS256']
const signers = new Map<string, Signer>()
const signerOf = (alg: string) => signers.get(alg) as Signer

beforeAll(async () => {
  for (const alg of algorithms) signers.set(alg, await signer(alg))
})
// The clock stands still unless a test advances it. Timers are real.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())
const advance = (seconds: number) => vi.advanceTimersByTime(seconds * 1000)

type Site = {
  keys: KeyServer
  log: Service['log']
  /** a client with this token */
  clientWith: (token: string) => Client
  /** the status of a request with this token */
  status: (token: string) => Promise<number>
}
const test = base.extend<{ $test: { open: (settings?: Partial<AuthConfig>) => Promise<Site> } }>({
  /** Starts a server with a key server of its own, which has one key, for EdDSA. */
  open: [
    async ({ service }, use) => {
      const close: (() => Promise<void>)[] = []
      await use(async settings => {
        const keys = await createKeyServer(signerOf('EdDSA').jwk)
        const trusting = { ...auth, secret: null, jwksUrl: keys.url, algorithms, ...settings }
        const { url, log, stop } = await start({ databaseUrl: service.databaseUrl, auth: trusting, poolSize: 2 })
        close.push(stop, keys.stop)
        const sent: string[] = []
        const clientWith = (token: string) => {
          sent.push(token)
          return client(url, token)
        }
        close.push(async () => expect(sent.filter(token => isLeaked(log, token))).toEqual([]))
        return { keys, log, clientWith, status: async token => (await clientWith(token).send('GET', '/v1/users/me')).status }
      })
      for (const each of close) await each()
    },
    { scope: 'test' },
  ],
})

/** Whether a log contains the claims or the signature of a token. */
function isLeaked(log: Service['log'], token: string): boolean {
  const lines = JSON.stringify(log)
  return token
    .split('.')
    .slice(1)
    .some(part => lines.includes(part))
}

const part = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Signs any header and any payload, also those that jose refuses to sign. */
function forge(header: object, payload: unknown, secret = auth.secret as string): string {
  const signed = `${part(header)}.${part(payload)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

async function refused(caller: Client, headers: Record<string, string> = {}): Promise<Problem> {
  const answer = await caller.send('GET', '/v1/users/me/tasks', { headers })
  expect(answer.status).toBe(401)
  expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  expect(answer.body).toMatchObject({ type: '/problems/unauthenticated', status: 401, title: 'No valid token' })
  return answer.body as Problem
}

const remedy = 'Get a new one from your identity provider.'
const notVerified = `The token can't be verified. ${remedy}`
const wrongAlgorithm = `The token is signed with an algorithm that is not accepted here. ${remedy}`
const wrongSub = 'The token\'s claim "sub" must have 1 to 255 characters, none of them a control character.'
const reservedSub = 'The token\'s claim "sub" must not begin with "~": such ids are reserved for groups.'
const wrong = (claim: string) => `The token's claim "${claim}" has a value that is not accepted here. ${remedy}`
const missing = (claim: string) => `The token's claim "${claim}" is missing. ${remedy}`
const header = { alg: 'HS256', typ: 'JWT' }
const wrongType = `The token's type says that it is not an access token. ${remedy}`
const unknownKey = `The token is signed with a key that is not accepted here. ${remedy}`

describe('a shared secret', () => {
  test('accepts a valid token, with the scheme in any case and with spaces around', async ({ service, anonymous }) => {
    const token = await hmac(claims())
    await client(service.url, token).listTasks()
    for (const authorization of [`bearer ${token}`, `BEARER   ${token}`, `Bearer ${token}  `])
      expect((await anonymous.send('GET', '/v1/users/me', { headers: { authorization } })).status).toBe(200)
  })

  test('without a token the challenge has no error, and the problem says how to send a token', async ({ anonymous }) => {
    const { headers, body } = await anonymous.listTasks({}, 401)
    expect(headers.get('www-authenticate')).toBe('Bearer')
    expect(body.detail).toBe('Send a token: Authorization: Bearer <JWT>.')
  })

  test.for([
    ['another scheme', 'Basic YW5uOnNlY3JldA=='],
    ['no scheme', 'x.y.z'],
    ['no token', 'Bearer'],
    ['an opaque token', 'Bearer 0123456789abcdef'],
    ['two parts', 'Bearer e30.e30'],
    ['no signature', 'Bearer e30.e30.'],
    ['the five parts of a JWE', 'Bearer a.b.c.d.e'],
    ['two tokens', 'Bearer a.b.c, Bearer a.b.c'],
    ['padding', 'Bearer a.b.c='],
    ['a space inside', 'Bearer a.b. c'],
  ] as const)('refuses %s: it is no bearer JWT', async ([, authorization], { anonymous }) => {
    const { detail } = await refused(anonymous, { authorization })
    expect(detail).toBe('The Authorization header has no bearer JWT. Send Authorization: Bearer <JWT>.')
  })

  test.for<[what: string, token: () => string | Promise<string>, detail: string]>([
    ['garbage', () => 'a.b.c', notVerified],
    ['a header that is no object', () => forge(['HS256'], claims()), notVerified],
    ['claims that are no object', () => forge(header, [claims()]), notVerified],
    ['claims that are no JSON', () => forge(header, '{'), notVerified],
    ['another secret', () => hmac(claims(), 'another-secret-that-is-as-long-as-ours'), notVerified],
    ['changed claims', async () => (await hmac(claims())).replace(/\.[^.]+\./, `.${part(claims({ sub: 'bob' }))}.`), notVerified],
    ['alg none, signed', () => forge({ alg: 'none' }, claims()), wrongAlgorithm],
    ['no alg', () => forge({ typ: 'JWT' }, claims()), notVerified],
    ['an alg that is __proto__', () => forge(JSON.parse('{"alg":"__proto__"}'), claims()), wrongAlgorithm],
    ['HS512 under the same secret', () => hmac(claims(), auth.secret as string, 'HS512'), wrongAlgorithm],
    ['an asymmetric algorithm', () => signerOf('ES256').sign(), wrongAlgorithm],
    ['a critical extension', () => forge({ ...header, crit: ['x'], x: 1 }, claims()), notVerified],
    ['an empty crit', () => forge({ ...header, crit: [] }, claims()), notVerified],
    ['an unencoded payload', () => forge({ ...header, crit: ['b64'], b64: false }, claims()), notVerified],
    ['an expired token', () => hmac(claims({ exp: now() - 6 })), `The token has expired. ${remedy}`],
    [
      'a token that is not valid yet',
      () => hmac(claims({ nbf: now() + 60 })),
      'The token is not valid yet. Wait until the time in its claim "nbf".',
    ],
    ['no exp', () => hmac(claims({ exp: undefined } as never)), missing('exp')],
    ['exp as text', () => hmac(claims({ exp: `${now() + 60}` } as never)), wrong('exp')],
    ['exp null', () => hmac(claims({ exp: null } as never)), wrong('exp')],
    ['no sub', () => hmac(claims({ sub: undefined } as never)), missing('sub')],
    ['sub empty', () => hmac(claims({ sub: '' })), wrongSub],
    ['sub a number', () => hmac(claims({ sub: 7 } as never)), wrongSub],
    ['sub null', () => hmac(claims({ sub: null } as never)), wrongSub],
    ['sub a list', () => hmac(claims({ sub: ['ann'] } as never)), wrongSub],
    ['sub with NUL', () => hmac(claims({ sub: 'ann\0' })), wrongSub],
    ['sub with a line feed', () => hmac(claims({ sub: 'ann\nbob' })), wrongSub],
    ['sub with DEL', () => hmac(claims({ sub: 'ann\x7f' })), wrongSub],
    ['sub with a C1 control', () => hmac(claims({ sub: 'ann\x85' })), wrongSub],
    ['sub with a lone surrogate', () => hmac(claims({ sub: 'ann\ud800' })), wrongSub],
    ['sub too long', () => hmac(claims({ sub: 'x'.repeat(256) })), wrongSub],
    ['sub of a group', () => hmac(claims({ sub: '~board' })), reservedSub],
    ['sub that is only a tilde', () => hmac(claims({ sub: '~' })), reservedSub],
    ['another issuer', () => hmac(claims({ iss: 'https://issuer.test/' })), wrong('iss')],
    ['no issuer', () => hmac(claims({ iss: undefined } as never)), missing('iss')],
    ['another audience', () => hmac(claims({ aud: 'other' })), wrong('aud')],
    ['other audiences', () => hmac(claims({ aud: ['other', 'taskspec2'] })), wrong('aud')],
    ['no audience', () => hmac(claims({ aud: undefined } as never)), missing('aud')],
    ['a logout token', () => forge({ ...header, typ: 'logout+jwt' }, claims()), wrongType],
    ['a security event', () => forge({ ...header, typ: 'application/SecEvent+JWT' }, claims()), wrongType],
  ])('refuses %s and gives the reason', async ([, token, detail], { service }) => {
    expect((await refused(client(service.url, await token()))).detail).toBe(detail)
  })

  test('accepts valid tokens with unusual claims and types', async ({ service }) => {
    for (const changed of [
      { exp: now() - 3 }, // clocks differ
      { nbf: now() + 3 },
      { aud: ['other', 'taskspec'] },
      { sub: '😀'.repeat(255) },
      { sub: ' ' },
      { sub: 'ann~' },
      { sub: ' ~ann' },
      { exp: Number.MAX_VALUE },
    ])
      await client(service.url, await hmac(claims(changed))).getUser()
    for (const typ of ['at+jwt', 'application/at+JWT', 'jwt', 'Bearer', undefined])
      await client(service.url, forge({ alg: 'HS256', typ }, claims())).getUser()
  })
})

describe('a key server', () => {
  test('verifies tokens of every algorithm, with one request to it', async ({ open }) => {
    const site = await open()
    site.keys.keys = algorithms.map(alg => signerOf(alg).jwk)
    for (const alg of algorithms) {
      const token = await signerOf(alg).sign(claims({ sub: `ann-${alg}` }))
      expect((await site.clientWith(token).getUser()).body.id).toBe(`ann-${alg}`)
    }
    expect(site.keys.requests).toBe(1)
  })

  test('eight concurrent first requests share one request to it', async ({ open }) => {
    const site = await open()
    const tokens = await Promise.all(Array.from({ length: 8 }, (_, i) => signerOf('EdDSA').sign(claims({ jti: `${i}` }))))
    expect(await Promise.all(tokens.map(site.status))).toEqual(Array(8).fill(200))
    expect(site.keys.requests).toBe(1)
  })

  test('an algorithm that is not configured is refused, even if there is a key for it', async ({ open }) => {
    const site = await open({ algorithms: ['EdDSA'] })
    site.keys.keys = algorithms.map(alg => signerOf(alg).jwk)
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    for (const alg of ['ES256', 'RS256', 'PS256'])
      expect((await refused(site.clientWith(await signerOf(alg).sign()))).detail).toBe(wrongAlgorithm)
  })

  test('a public key is not accepted as the secret of HS256 (algorithm confusion)', async ({ open }) => {
    const site = await open({ secret: auth.secret, algorithms: ['RS256', 'HS256'] })
    const { jwk, publicKey, sign } = signerOf('RS256')
    site.keys.keys = [jwk]
    expect(await site.status(await sign())).toBe(200)
    for (const key of [await exportSPKI(publicKey), JSON.stringify(jwk), jwk.n as string])
      expect((await refused(site.clientWith(forge({ ...header, kid: jwk.kid }, claims(), key)))).detail).toBe(notVerified)
  })

  test('a key or a key URL in the header of a token is ignored', async ({ open }) => {
    const site = await open()
    const { jwk, sign } = await signer('EdDSA')
    await refused(site.clientWith(await sign(claims(), { jwk })))
    await refused(site.clientWith(await sign(claims(), { jwk, kid: 'EdDSA' })))
    const mine = await createKeyServer(jwk)
    await refused(site.clientWith(await sign(claims(), { jku: mine.url, kid: 'mine' })))
    expect(mine.requests).toBe(0)
    await mine.stop()
  })

  test('a key for another use, algorithm or key id verifies nothing', async ({ open }) => {
    const site = await open()
    const { jwk, sign } = signerOf('ES256')
    for (const other of [{ use: 'enc' }, { key_ops: ['sign'] }, { alg: 'ES384' }, { kid: 'other' }]) {
      site.keys.keys = [{ ...jwk, ...other }]
      advance(6)
      expect((await refused(site.clientWith(await sign()))).detail).toBe(unknownKey)
    }
  })

  test('keys without a key id are tried one by one', async ({ open }) => {
    const site = await open()
    const [one, two, three] = [await signer('ES256', null), await signer('ES256', null), await signer('ES256', null)]
    site.keys.keys = [one.jwk, two.jwk]
    for (const { sign } of [one, two]) expect(await site.status(await sign())).toBe(200)
    expect((await refused(site.clientWith(await two.sign(claims({ exp: now() - 60 }))))).detail).toContain('has expired')
    expect((await refused(site.clientWith(await three.sign()))).detail).toBe(notVerified)
  })

  test('after a rotation the new key is accepted at once, and the withdrawn key is refused', async ({ open }) => {
    const site = await open()
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    const next = await signer('EdDSA', 'next')
    site.keys.keys = [next.jwk]
    advance(120)
    expect(await site.status(await next.sign())).toBe(200)
    expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: 'new' })))).toBe(401)
    expect(site.keys.requests).toBe(2)
  })

  test('a key published right after a fetch is accepted at once, unless a search for it has just failed', async ({ open }) => {
    const site = await open()
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    const [next, early] = [await signer('EdDSA', 'next'), await signer('EdDSA', 'early')]
    advance(0.01)
    await refused(site.clientWith(await early.sign()))
    site.keys.keys.push(next.jwk, early.jwk)
    advance(0.01)
    await refused(site.clientWith(await early.sign()))
    expect(await site.status(await next.sign())).toBe(200)
    site.keys.keys = [signerOf('EdDSA').jwk, next.jwk]
    expect(await site.status(await early.sign())).toBe(200)
    expect(site.keys.requests).toBe(3)
  })

  test('a key published during a fetch is accepted', async ({ onTestFinished }) => {
    const keys = await createKeyServer(signerOf('EdDSA').jwk)
    onTestFinished(keys.stop)
    const authenticate = createAuthenticator({ ...auth, secret: null, jwksUrl: keys.url, algorithms })
    const outcome = (token: string) =>
      authenticate(`Bearer ${token}`).then(
        () => 'accepted',
        error => error.kind,
      )
    expect(await outcome(await signerOf('EdDSA').sign())).toBe('accepted')
    const next = await signer('EdDSA', 'next')
    const tokens = [await next.sign(), await next.sign(claims({ jti: 'another' }))]
    const asked = new Promise<() => void>(resolve => {
      keys.instead = (_, response) => resolve(() => void response.end(JSON.stringify({ keys: [signerOf('EdDSA').jwk] })))
    })
    advance(0.01)
    const stranger = outcome(await signerOf('EdDSA').sign(claims(), { kid: 'unknown' }))
    const answer = await asked
    keys.instead = null
    keys.keys.push(next.jwk)
    advance(0.01)
    const outcomes = Promise.all(tokens.map(outcome))
    await new Promise(resolve => setImmediate(resolve)) // by now both wait for the pending fetch
    answer()
    expect([await stranger, ...(await outcomes)]).toEqual(['unauthenticated', 'accepted', 'accepted'])
    expect(keys.requests).toBe(3)
  })

  test('gets few requests for unknown key ids', async ({ open }) => {
    const site = await open()
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    const unknown = (i: number) => signerOf('EdDSA').sign(claims(), { kid: `unknown-${i}` })
    advance(0.01)
    for (let i = 0; i < 50; i++) await refused(site.clientWith(await unknown(0)))
    expect(site.keys.requests).toBe(2)
    for (let i = 1; i < 10; i++) {
      advance(0.01)
      await refused(site.clientWith(await unknown(i)))
    }
    expect(site.keys.requests).toBe(11)
    // The allowance is used up: the server can't tell now whether such a key exists.
    for (let i = 10; i < 50; i++) {
      advance(0.01)
      expect(await site.status(await unknown(i))).toBe(503)
    }
    await refused(site.clientWith(await unknown(9)))
    expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: 'new' })))).toBe(200)
    expect(site.keys.requests).toBe(11)
    advance(5)
    await refused(site.clientWith(await unknown(50)))
    advance(0.01)
    expect(await site.status(await unknown(51))).toBe(503)
    expect(site.keys.requests).toBe(12)
  })
})

describe('a secret and a key server', () => {
  test('are used side by side, each for its own algorithms', async ({ open }) => {
    const site = await open({ secret: auth.secret, algorithms: ['EdDSA', 'HS256'] })
    expect(await site.status(await hmac(claims({ sub: 'service' })))).toBe(200)
    expect(site.keys.requests).toBe(0)
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    await refused(site.clientWith(await hmac(claims(), signerOf('EdDSA').jwk.x)))
  })

  test('a symmetric key of the key server is not accepted', async ({ open }) => {
    const site = await open({ secret: auth.secret, algorithms: ['EdDSA', 'HS256'] })
    const other = 'a-secret-that-the-key-server-gives-to-all'
    site.keys.keys.push({ kty: 'oct', k: part(other), alg: 'HS256', kid: 'oct' })
    await refused(site.clientWith(forge({ ...header, kid: 'oct' }, claims(), other)))
  })
})

describe('while the key server is down', () => {
  test('before the first fetch the reply is 503, not 401, until the key server is back', async ({ open }) => {
    const site = await open()
    await site.keys.stop()
    const ann = site.clientWith(await signerOf('EdDSA').sign())
    const { headers, body } = await ann.getUser({}, 503)
    expect(headers.get('retry-after')).toBe('1')
    expect(body).toMatchObject({ type: '/problems/unavailable', detail: expect.stringContaining('key server') })
    expect(site.log.at(-1)).toMatchObject({ level: 50, operation: 'getUser', error: { cause: { code: 'ECONNREFUSED' } } })
    await site.keys.start()
    advance(1)
    await ann.getUser()
  })

  test('a token that no key could verify is 401', async ({ open }) => {
    const site = await open()
    await site.keys.stop()
    expect((await refused(site.clientWith(forge({ alg: 'none' }, claims())))).detail).toBe(wrongAlgorithm)
    await refused(site.clientWith(`${part('garbage')}.${part('garbage')}.${part('garbage')}`))
  })

  test('the key server gets one request a second, independent of the number of tokens', async ({ open }) => {
    const site = await open()
    site.keys.instead = (_, response) => response.writeHead(500).end()
    for (const seconds of [0, 1, 1]) {
      advance(seconds)
      for (let i = 0; i < 10; i++) expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: `${i}` })))).toBe(503)
    }
    expect(site.keys.requests).toBe(3)
  })

  const answers: [what: string, answer: RequestListener][] = [
    ['an error', (_, response) => response.writeHead(500).end('{"keys":[]}')],
    ['a redirect', (_, response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['nothing', (_, response) => response.end()],
    ['a page', (_, response) => response.setHeader('content-type', 'text/html').end('<!doctype html><p>Sign in')],
    ['half of its JSON', (_, response) => response.end('{"keys":[{"kty":')],
    ['null', (_, response) => response.end('null')],
    ['an object without keys', (_, response) => response.end('{}')],
    ['keys that are none', (_, response) => response.end('{"keys":[1]}')],
    ['no key at all', (_, response) => response.end('{"keys":[]}')],
    ['a broken connection', request => request.socket.destroy()],
  ]
  test('known keys stay valid, independent of its replies', async ({ open }) => {
    const site = await open()
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    for (const [what, answer] of answers.filter(([what]) => what !== 'no key at all')) {
      site.keys.instead = answer
      const before = site.keys.requests
      await vi.waitFor(async () => {
        advance(601)
        expect([what, await site.status(await signerOf('EdDSA').sign(claims({ jti: `${what} ${now()}` })))]).toEqual([what, 200])
        expect(site.keys.requests).toBeGreaterThan(before)
      })
    }
  })

  test('a reply that is too large is not read to its end', async ({ open }) => {
    const site = await open()
    let sent = 0
    const chunk = Buffer.alloc(64 * 1024, ' ')
    const cut = new Promise<void>(resolve => {
      site.keys.instead = (_, response) => {
        const send = () => {
          for (let more = true; more && !response.destroyed; sent += chunk.length) more = response.write(chunk)
        }
        response.on('drain', send).on('close', resolve)
        send()
      }
    })
    await site.clientWith(await signerOf('EdDSA').sign()).getUser({}, 503)
    await cut
    expect(sent).toBeLessThan(32 * 1024 * 1024)
    expect(JSON.stringify(site.log.at(-1))).toContain('The response of the key server is too large')
    site.keys.instead = null
    advance(1)
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
  })

  test('every reply that is not a key set is answered with 503', async ({ open }) => {
    const site = await open()
    const ann = site.clientWith(await signerOf('EdDSA').sign())
    for (const [what, answer] of answers) {
      site.keys.instead = answer
      advance(1)
      expect([what, (await ann.send('GET', '/v1/users/me')).status]).toEqual([what, 503])
    }
    expect(site.keys.requests).toBe(answers.length)
    site.keys.instead = null
    advance(1)
    await ann.getUser()
  })

  test('a token whose key is unusable is answered with 503', async ({ open }) => {
    const site = await open()
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const input = `${part({ alg: 'RS256', kid: 'weak' })}.${part(claims())}`
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    site.keys.keys = [
      { ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak' } as JWK,
      { ...signerOf('ES256').jwk, x: signerOf('ES256').jwk.y as string, kid: 'broken' },
      { ...(await exportJWK(privateKey)), kid: 'private' },
    ]
    expect(await site.status(`${input}.${signBytes('sha256', Buffer.from(input), weak.privateKey).toString('base64url')}`)).toBe(503)
    for (const kid of ['broken', 'private']) expect(await site.status(await signerOf('ES256').sign(claims(), { kid }))).toBe(503)
  })

  test('the last keys stay valid until it is back', async ({ open }) => {
    const site = await open()
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    const next = await signer('EdDSA', 'next')
    site.keys.keys = [next.jwk]
    await site.keys.stop()
    for (const seconds of [0, 6, 601, 1, 86_400]) {
      advance(seconds)
      expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: `${seconds}` })))).toBe(200)
    }
    await site.clientWith(await next.sign()).getUser({}, 503)

    await site.keys.start()
    advance(1)
    expect(await site.status(await next.sign())).toBe(200)
    expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: 'at last' })))).toBe(401)
    site.keys.keys = [signerOf('ES256').jwk]
    advance(601)
    expect(await site.status(await next.sign(claims({ jti: 'later' })))).toBe(401)
  })

  test('an empty key set withdraws the previous keys', async ({ open }) => {
    const site = await open()
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    site.keys.keys = []
    advance(601)
    expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: 'new' })))).toBe(503)
  })

  test('with regular requests, callers with known keys never wait for a key server that hangs', async ({ open }) => {
    const site = await open()
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    const hanging: (() => void)[] = []
    site.keys.instead = (_, response) => void hanging.push(() => response.end(JSON.stringify({ keys: [signerOf('ES256').jwk] })))
    advance(301)
    for (let i = 0; i < 10; i++) expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: `${i}` })))).toBe(200)
    await vi.waitFor(() => expect(hanging).toHaveLength(1))
    Object.assign(site.keys, { instead: null, keys: [signerOf('ES256').jwk] })
    for (const answer of hanging) answer()
    await vi.waitFor(async () => expect(await site.status(await signerOf('ES256').sign())).toBe(200))
    expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: 'withdrawn' })))).toBe(401)
  })

  test('when it hangs callers wait until a timeout, and with a known key only once', async ({ open }) => {
    const [fresh, halting, known] = [await open(), await open(), await open()]
    const token = (jti: string) => signerOf('EdDSA').sign(claims({ jti }))
    expect(await known.status(await token('before'))).toBe(200)
    let aborted = 0
    const hang: RequestListener = (_, response) => void response.on('close', () => aborted++)
    for (const { keys } of [fresh, known]) keys.instead = hang
    halting.keys.instead = (_, response) => void response.write('{"keys":[')
    advance(601)

    const replies = Promise.all([fresh, halting, known].map(async site => site.status(await token('first'))))
    // The timeout is 2 s. A busy machine delays both timers.
    expect(await Promise.race([replies, sleep(10_000, 'late', { ref: false })])).toEqual([503, 503, 200])
    await vi.waitFor(() => expect(aborted).toBe(2))
    advance(1)
    expect(await known.status(await token('second'))).toBe(200)
    expect(aborted).toBe(2) // the reply came while the third fetch was pending
    await vi.waitFor(() => expect(known.keys.requests).toBe(3))
  })
})

describe('a verified token', () => {
  test('is cached: it needs neither the key server nor its key', async ({ open }) => {
    const site = await open()
    const token = await signerOf('EdDSA').sign()
    expect(await site.status(token)).toBe(200)
    site.keys.keys = [signerOf('ES256').jwk]
    advance(6)
    expect(await site.status(await signerOf('ES256').sign())).toBe(200)
    expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: 'new' })))).toBe(401)
    await site.keys.stop()
    expect(await site.status(token)).toBe(200)
    expect(site.keys.requests).toBe(2)
  })

  test('is refused once it has expired', async ({ open }) => {
    const site = await open()
    const token = await signerOf('EdDSA').sign(claims({ exp: now() + 60 }))
    for (const [seconds, status] of [
      [0, 200],
      [60, 200],
      [4, 200],
      [1, 401],
    ] as const) {
      advance(seconds)
      expect(await site.status(token)).toBe(status)
    }
    expect((await refused(site.clientWith(token))).detail).toContain('has expired')
  })

  test('is refused at most ten minutes after its key was withdrawn', async ({ open }) => {
    const site = await open()
    const token = await signerOf('EdDSA').sign(claims({ exp: now() + 365 * 86_400 }))
    expect(await site.status(token)).toBe(200)
    site.keys.keys = [signerOf('ES256').jwk]
    advance(599)
    expect(await site.status(token)).toBe(200)
    advance(1)
    expect((await refused(site.clientWith(token))).detail).toBe(unknownKey)
  })

  test('stays valid while the key server is down', async ({ open }) => {
    const site = await open()
    const token = await signerOf('EdDSA').sign()
    expect(await site.status(token)).toBe(200)
    await site.keys.stop()
    for (const seconds of [1, 700, 700]) {
      advance(seconds)
      expect(await site.status(token)).toBe(200)
    }
  })

  test('is dropped from the cache by newer tokens, and is not cached if it is very long', async () => {
    const keys = await createKeyServer(signerOf('EdDSA').jwk)
    const authenticate = createAuthenticator({ ...auth, jwksUrl: keys.url, algorithms: ['EdDSA', 'ES256', 'HS256'] })
    const verify = (token: string) => authenticate(`Bearer ${token}`)
    const [oldest, huge] = [await signerOf('EdDSA').sign(), await signerOf('EdDSA').sign(claims({ jti: 'x'.repeat(5000) }))]
    for (const token of [oldest, huge]) await verify(token)
    keys.keys = [signerOf('ES256').jwk]
    advance(6)
    await verify(await signerOf('ES256').sign())
    await keys.stop()

    // The key of both is withdrawn, so only the cache can accept them.
    await expect(verify(huge)).rejects.toMatchObject({ kind: 'unauthenticated' })
    const others = (count: number, name: string) => Array.from({ length: count }, (_, i) => forge(header, claims({ jti: `${name}-${i}` })))
    for (const token of others(9_998, 'others')) await verify(token)
    expect((await verify(oldest)).id).toBe('ann')
    for (const token of others(1, 'last')) await verify(token)
    await expect(verify(oldest)).rejects.toMatchObject({ kind: 'unauthenticated' })
  })
})

describe('the claims about the user', () => {
  test('fill the profile at the first contact, and later the email is updated', async ({ service }) => {
    const as = async (changed: JWTPayload) => client(service.url, await hmac(claims({ sub: 'eve', ...changed })))
    const first = await (await as({ email: 'eve@example.com', name: 'Eve' })).getUser()
    expect(first.body).toMatchObject({ id: 'eve', email: 'eve@example.com', name: 'Eve' })
    const moved = await (await as({ email: 'eve@example.org', name: 'Eve' })).getUser()
    expect(moved.body).toMatchObject({ email: 'eve@example.org', name: 'Eve', revision: first.body.revision + 1 })
    expect(moved.etag).not.toBe(first.etag)
    const silent = await (await as({})).getUser()
    expect(silent.body).toEqual(moved.body)
  })

  test('do not overwrite a name that the user changed or cleared', async ({ service }) => {
    const as = async (changed: JWTPayload) => client(service.url, await hmac(claims({ sub: 'flo', ...changed })))
    await (await as({ name: 'Flo' })).getUser()
    for (const name of ['Florence', null]) {
      await (await as({ name: 'Flo' })).updateUser({ body: { name } })
      for (const claim of ['Flo', 'Floris'])
        expect((await (await as({ name: claim, email: `${claim}@example.com` })).getUser()).body.name).toBe(name)
    }
  })

  test.for<[what: string, payload: JWTPayload, expected: { email: string | null; name: string | null }]>([
    ['absent', {}, { email: null, name: null }],
    ['empty texts', { email: '', name: '' }, { email: null, name: null }],
    ['blanks', { email: 'x', name: ' \u3000 ' }, { email: 'x', name: null }],
    ['numbers', { email: 1, name: 2 }, { email: null, name: null }],
    ['objects', { email: { a: 1 }, name: ['x'] }, { email: null, name: null }],
    ['NUL', { email: 'a\0@example.com', name: 'a\0' }, { email: null, name: null }],
    ['lone surrogates', { email: '\ud800@example.com', name: '\udfff' }, { email: null, name: null }],
    ['as long as allowed', { email: '😀'.repeat(320), name: '😀'.repeat(200) }, { email: '😀'.repeat(320), name: '😀'.repeat(200) }],
    ['longer than allowed', { email: 'x'.repeat(321), name: '😀'.repeat(201) }, { email: null, name: '😀'.repeat(200) }],
    ['a name after many spaces', { name: `${' '.repeat(300)}Gus` }, { email: null, name: 'Gus' }],
    ['a very long name', { name: 'x'.repeat(9000) }, { email: null, name: 'x'.repeat(200) }],
  ])('can be: %s', async ([what, payload, expected], { service }) => {
    const gus = client(service.url, await hmac(claims({ sub: `gus ${what}`, ...payload })))
    await gus.createTask({ body: { title: 'a' } })
    expect((await gus.getUser()).body).toMatchObject(expected)
  })
})

describe('a sub with unusual characters', () => {
  // fetch removes dot segments from a path before it sends the request.
  async function raw(url: string, method: string, path: string, token: string, body?: object) {
    const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }
    const request = httpRequest(url, { method, path, headers }).end(body && JSON.stringify(body))
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const { statusCode, headers: got } = response
    return { status: statusCode, location: got.location as string, body: JSON.parse(await text(response)) }
  }

  test.for([
    'auth0|abc/def ü',
    'a/b',
    'me',
    '.',
    '..',
    '../bob',
    '%2F',
    '%',
    '%zz',
    'a?b#c',
    'a+b c',
    'https://id.example.com/ann',
    'ann@example.com',
    '😀',
    '__proto__',
    "o'hara; --",
  ])('%s has a space of its own, under "me" and under its encoded id', async (sub, { service }) => {
    const token = await hmac(claims({ sub }))
    const own = `/v1/users/${encodeURIComponent(sub)}`
    const me = await raw(service.url, 'GET', '/v1/users/me', token)
    expect(me).toMatchObject({ status: 200, body: { id: sub } })
    expect(await raw(service.url, 'GET', own, token)).toEqual(me)

    const made = await raw(service.url, 'POST', `${own}/tasks`, token, { title: 'a' })
    // A client would remove dot segments from the path.
    const space = sub === '.' || sub === '..' ? '/v1/users/me' : own
    expect([made.status, made.location]).toEqual([201, `${space}/tasks/${made.body.id}`])
    expect(await raw(service.url, 'GET', made.location, token)).toMatchObject({ status: 200, body: made.body })
    const bob = await hmac(claims({ sub: 'bob' }))
    expect((await raw(service.url, 'GET', made.location, bob)).status).toBe(space === '/v1/users/me' ? 404 : 403)
  })

  test('is compared byte by byte: a different spelling is a different user', async ({ service }) => {
    const ann = client(service.url, await hmac(claims({ sub: 'änn' })))
    for (const id of ['ÄNN', 'a\u0308nn', 'änn ', 'ann', '%C3%A4nn']) await ann.getUser({ path: { userId: id } }, 403)
  })
})

test('the log contains no token', async ({ service }) => {
  const tokens = [
    await hmac(claims()),
    await hmac(claims({ exp: now() - 60 })),
    await hmac(claims(), 'another-secret-that-is-as-long-as-ours'),
  ]
  for (const token of tokens) await client(service.url, token).send('POST', `/v1/users/me/tasks?token=${token}`, { body: token })
  expect(service.log.length).toBeGreaterThanOrEqual(3)
  expect(tokens.filter(token => isLeaked(service.log, token))).toEqual([])
})
