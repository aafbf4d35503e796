// Who gets in, with which token, and what becomes of it while the key server is away.
import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http'
import { text } from 'node:stream/consumers'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, vi } from 'vitest'
import { createAuthenticator } from '../../src/auth/authenticator.ts'
import type { AuthConfig } from '../../src/config/auth.ts'
import { type Client, client, type Problem } from '../support/client.ts'
import { claims, hmac, type KeyServer, keyServer, now, type Signer, signer } from '../support/keyserver.ts'
import { auth, test as base, type Service, start } from '../support/taskspec.ts'

const algorithms = ['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'PS256']
const signers = new Map<string, Signer>()
const by = (alg: string) => signers.get(alg) as Signer

beforeAll(async () => {
  for (const alg of algorithms) signers.set(alg, await signer(alg))
})
// The clock stands still unless a test moves it; timers go on as they are.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }))
afterEach(() => void vi.useRealTimers())
const pass = (seconds: number) => vi.advanceTimersByTime(seconds * 1000)

type Site = {
  keys: KeyServer
  log: Service['log']
  /** the client with this token */
  with: (token: string) => Client
  /** what becomes of a request with this token */
  status: (token: string) => Promise<number>
}
const test = base.extend<{ $test: { open: (settings?: Partial<AuthConfig>) => Promise<Site> } }>({
  /** Opens a server that trusts a key server of its own, which has a key for EdDSA at first. */
  open: [
    async ({ service }, use) => {
      const close: (() => Promise<void>)[] = []
      await use(async settings => {
        const keys = await keyServer(by('EdDSA').jwk)
        const trusting = { ...auth, secret: null, jwksUrl: keys.url, algorithms, ...settings }
        const { url, log, stop } = await start({ databaseUrl: service.databaseUrl, auth: trusting, poolSize: 2 })
        close.push(stop, keys.stop)
        const sent: string[] = []
        const as = (token: string) => {
          sent.push(token)
          return client(url, token)
        }
        close.push(async () => expect(sent.filter(token => told(log, token))).toEqual([]))
        return { keys, log, with: as, status: async token => (await as(token).send('GET', '/v1/users/me')).status }
      })
      for (const each of close) await each()
    },
    { scope: 'test' },
  ],
})

/** Whether a log gives a token away: its claims or its signature are enough. */
function told(log: Service['log'], token: string): boolean {
  const lines = JSON.stringify(log)
  return token
    .split('.')
    .slice(1)
    .some(part => lines.includes(part))
}

const part = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Signs what jose would not: any header and any payload at all. */
function forged(header: object, payload: unknown, secret = auth.secret as string): string {
  const signed = `${part(header)}.${part(payload)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

async function refused(who: Client, headers: Record<string, string> = {}): Promise<Problem> {
  const answer = await who.send('GET', '/v1/users/me/tasks', { headers })
  expect(answer.status).toBe(401)
  expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  expect(answer.body).toMatchObject({ type: '/problems/unauthenticated', status: 401, title: 'No valid token' })
  return answer.body as Problem
}

const again = 'Get a new one from your identity provider.'
const unverified = `The token can't be verified. ${again}`
const algorithm = `The token is signed with an algorithm that is not accepted here. ${again}`
const sub = 'The token\'s claim "sub" must have 1 to 255 characters, none of them a control character.'
const group = 'The token\'s claim "sub" must not begin with "~": such ids are reserved for groups.'
const wrong = (claim: string) => `The token's claim "${claim}" has a value that is not accepted here. ${again}`
const missing = (claim: string) => `The token's claim "${claim}" is missing. ${again}`
const header = { alg: 'HS256', typ: 'JWT' }
const elsewhere = `The token's type says that it is not an access token. ${again}`
const unknown = `The token is signed with a key that is not accepted here. ${again}`

describe('a shared secret', () => {
  test('lets a valid token in, however the scheme is written', async ({ service, anonymous }) => {
    const token = await hmac(claims())
    await client(service.url, token).listTasks()
    for (const authorization of [`bearer ${token}`, `BEARER   ${token}`, `Bearer ${token}  `])
      expect((await anonymous.send('GET', '/v1/users/me', { headers: { authorization } })).status).toBe(200)
  })

  test('without a token the challenge is bare, and the problem says how to send one', async ({ anonymous }) => {
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
  ] as const)('refuses %s as not a bearer JWT', async ([, authorization], { anonymous }) => {
    const { detail } = await refused(anonymous, { authorization })
    expect(detail).toBe('The Authorization header has no bearer JWT. Send Authorization: Bearer <JWT>.')
  })

  test.for<[what: string, token: () => string | Promise<string>, detail: string]>([
    ['garbage', () => 'a.b.c', unverified],
    ['a header that is no object', () => forged(['HS256'], claims()), unverified],
    ['claims that are no object', () => forged(header, [claims()]), unverified],
    ['claims that are no JSON', () => forged(header, '{'), unverified],
    ['another secret', () => hmac(claims(), 'another-secret-that-is-as-long-as-ours'), unverified],
    ['changed claims', async () => (await hmac(claims())).replace(/\.[^.]+\./, `.${part(claims({ sub: 'bob' }))}.`), unverified],
    ['alg none, signed', () => forged({ alg: 'none' }, claims()), algorithm],
    ['no alg', () => forged({ typ: 'JWT' }, claims()), unverified],
    ['an alg that is __proto__', () => forged(JSON.parse('{"alg":"__proto__"}'), claims()), algorithm],
    ['HS512 under the same secret', () => hmac(claims(), auth.secret as string, 'HS512'), algorithm],
    ['an asymmetric algorithm', () => by('ES256').sign(), algorithm],
    ['a critical extension', () => forged({ ...header, crit: ['x'], x: 1 }, claims()), unverified],
    ['an empty crit', () => forged({ ...header, crit: [] }, claims()), unverified],
    ['an unencoded payload', () => forged({ ...header, crit: ['b64'], b64: false }, claims()), unverified],
    ['an expired token', () => hmac(claims({ exp: now() - 6 })), `The token has expired. ${again}`],
    ['a token of tomorrow', () => hmac(claims({ nbf: now() + 60 })), 'The token is not valid yet. Wait until the time in its claim "nbf".'],
    ['no exp', () => hmac(claims({ exp: undefined } as never)), missing('exp')],
    ['exp as text', () => hmac(claims({ exp: `${now() + 60}` } as never)), wrong('exp')],
    ['exp null', () => hmac(claims({ exp: null } as never)), wrong('exp')],
    ['no sub', () => hmac(claims({ sub: undefined } as never)), missing('sub')],
    ['sub empty', () => hmac(claims({ sub: '' })), sub],
    ['sub a number', () => hmac(claims({ sub: 7 } as never)), sub],
    ['sub null', () => hmac(claims({ sub: null } as never)), sub],
    ['sub a list', () => hmac(claims({ sub: ['ann'] } as never)), sub],
    ['sub with NUL', () => hmac(claims({ sub: 'ann\0' })), sub],
    ['sub with a line feed', () => hmac(claims({ sub: 'ann\nbob' })), sub],
    ['sub with DEL', () => hmac(claims({ sub: 'ann\x7f' })), sub],
    ['sub with a C1 control', () => hmac(claims({ sub: 'ann\x85' })), sub],
    ['sub with a lone surrogate', () => hmac(claims({ sub: 'ann\ud800' })), sub],
    ['sub too long', () => hmac(claims({ sub: 'x'.repeat(256) })), sub],
    ['sub of a group', () => hmac(claims({ sub: '~board' })), group],
    ['sub that is only a tilde', () => hmac(claims({ sub: '~' })), group],
    ['another issuer', () => hmac(claims({ iss: 'https://issuer.test/' })), wrong('iss')],
    ['no issuer', () => hmac(claims({ iss: undefined } as never)), missing('iss')],
    ['another audience', () => hmac(claims({ aud: 'other' })), wrong('aud')],
    ['other audiences', () => hmac(claims({ aud: ['other', 'taskspec2'] })), wrong('aud')],
    ['no audience', () => hmac(claims({ aud: undefined } as never)), missing('aud')],
    ['a token to log out', () => forged({ ...header, typ: 'logout+jwt' }, claims()), elsewhere],
    ['a security event', () => forged({ ...header, typ: 'application/SecEvent+JWT' }, claims()), elsewhere],
  ])('refuses %s and says so', async ([, token, detail], { service }) => {
    expect((await refused(client(service.url, await token()))).detail).toBe(detail)
  })

  test('takes what is unusual and fine', async ({ service }) => {
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
      await client(service.url, forged({ alg: 'HS256', typ }, claims())).getUser()
  })
})

describe('a key server', () => {
  test('its keys of every kind let in, for one request to it', async ({ open }) => {
    const site = await open()
    site.keys.keys = algorithms.map(alg => by(alg).jwk)
    for (const alg of algorithms) {
      const token = await by(alg).sign(claims({ sub: `ann-${alg}` }))
      expect((await site.with(token).getUser()).body.id).toBe(`ann-${alg}`)
    }
    expect(site.keys.requests).toBe(1)
  })

  test('eight first requests at once share one request to it', async ({ open }) => {
    const site = await open()
    const tokens = await Promise.all(Array.from({ length: 8 }, (_, i) => by('EdDSA').sign(claims({ jti: `${i}` }))))
    expect(await Promise.all(tokens.map(site.status))).toEqual(Array(8).fill(200))
    expect(site.keys.requests).toBe(1)
  })

  test('an algorithm that is not configured is refused, whatever keys there are', async ({ open }) => {
    const site = await open({ algorithms: ['EdDSA'] })
    site.keys.keys = algorithms.map(alg => by(alg).jwk)
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
    for (const alg of ['ES256', 'RS256', 'PS256']) expect((await refused(site.with(await by(alg).sign()))).detail).toBe(algorithm)
  })

  test('a public key is no secret: algorithm confusion gets nobody in', async ({ open }) => {
    const site = await open({ secret: auth.secret, algorithms: ['RS256', 'HS256'] })
    const { jwk, publicKey, sign } = by('RS256')
    site.keys.keys = [jwk]
    expect(await site.status(await sign())).toBe(200)
    for (const key of [await exportSPKI(publicKey), JSON.stringify(jwk), jwk.n as string])
      expect((await refused(site.with(forged({ ...header, kid: jwk.kid }, claims(), key)))).detail).toBe(unverified)
  })

  test('a token does not bring its own key along', async ({ open }) => {
    const site = await open()
    const { jwk, sign } = await signer('EdDSA')
    await refused(site.with(await sign(claims(), { jwk })))
    await refused(site.with(await sign(claims(), { jwk, kid: 'EdDSA' })))
    const mine = await keyServer(jwk)
    await refused(site.with(await sign(claims(), { jku: mine.url, kid: 'mine' })))
    expect(mine.requests).toBe(0)
    await mine.stop()
  })

  test('keys for something else verify nothing', async ({ open }) => {
    const site = await open()
    const { jwk, sign } = by('ES256')
    for (const other of [{ use: 'enc' }, { key_ops: ['sign'] }, { alg: 'ES384' }, { kid: 'other' }]) {
      site.keys.keys = [{ ...jwk, ...other }]
      pass(6)
      expect((await refused(site.with(await sign()))).detail).toBe(unknown)
    }
  })

  test('several keys without a name are tried one by one', async ({ open }) => {
    const site = await open()
    const [one, two, three] = [await signer('ES256', null), await signer('ES256', null), await signer('ES256', null)]
    site.keys.keys = [one.jwk, two.jwk]
    for (const { sign } of [one, two]) expect(await site.status(await sign())).toBe(200)
    expect((await refused(site.with(await two.sign(claims({ exp: now() - 60 }))))).detail).toContain('has expired')
    expect((await refused(site.with(await three.sign()))).detail).toBe(unverified)
  })

  test('a key that was rotated minutes ago lets in at once, and the one that was withdrawn no more', async ({ open }) => {
    const site = await open()
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
    const next = await signer('EdDSA', 'next')
    site.keys.keys = [next.jwk]
    pass(120)
    expect(await site.status(await next.sign())).toBe(200)
    expect(await site.status(await by('EdDSA').sign(claims({ jti: 'new' })))).toBe(401)
    expect(site.keys.requests).toBe(2)
  })

  test('a key that was rotated right after a fetch lets in at once, unless it was looked for in vain before', async ({ open }) => {
    const site = await open()
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
    const [next, early] = [await signer('EdDSA', 'next'), await signer('EdDSA', 'early')]
    pass(0.01)
    await refused(site.with(await early.sign()))
    site.keys.keys.push(next.jwk, early.jwk)
    pass(0.01)
    await refused(site.with(await early.sign()))
    expect(await site.status(await next.sign())).toBe(200)
    site.keys.keys = [by('EdDSA').jwk, next.jwk]
    expect(await site.status(await early.sign())).toBe(200)
    expect(site.keys.requests).toBe(3)
  })

  test('a key that was published while the keys were on their way lets in', async ({ open }) => {
    const site = await open()
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
    const next = await signer('EdDSA', 'next')
    const answered = new Promise<() => void>(resolve => {
      site.keys.instead = (_, response) => resolve(() => void response.end(JSON.stringify({ keys: [by('EdDSA').jwk] })))
    })
    pass(0.01)
    const stranger = site.status(await by('EdDSA').sign(claims(), { kid: 'unknown' }))
    const answer = await answered
    site.keys.instead = null
    site.keys.keys.push(next.jwk)
    pass(0.01)
    const tokens = [await next.sign(), await next.sign(claims({ jti: 'another' }))]
    const statuses = Promise.all(tokens.map(site.status))
    await new Promise(resolve => setTimeout(resolve, 100))
    answer()
    expect([await stranger, ...(await statuses)]).toEqual([401, 200, 200])
    expect(site.keys.requests).toBe(3)
  })

  test('is not bothered by keys that nobody knows', async ({ open }) => {
    const site = await open()
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
    const unheardOf = (i: number) => by('EdDSA').sign(claims(), { kid: `unknown-${i}` })
    pass(0.01)
    for (let i = 0; i < 50; i++) await refused(site.with(await unheardOf(0)))
    expect(site.keys.requests).toBe(2)
    for (let i = 1; i < 10; i++) {
      pass(0.01)
      await refused(site.with(await unheardOf(i)))
    }
    expect(site.keys.requests).toBe(11)
    // From now on it can't be known at once whether there is such a key.
    for (let i = 10; i < 50; i++) {
      pass(0.01)
      expect(await site.status(await unheardOf(i))).toBe(503)
    }
    await refused(site.with(await unheardOf(9)))
    expect(await site.status(await by('EdDSA').sign(claims({ jti: 'new' })))).toBe(200)
    expect(site.keys.requests).toBe(11)
    pass(5)
    await refused(site.with(await unheardOf(50)))
    pass(0.01)
    expect(await site.status(await unheardOf(51))).toBe(503)
    expect(site.keys.requests).toBe(12)
  })
})

describe('a secret and a key server', () => {
  test('let in side by side, each with its own algorithms', async ({ open }) => {
    const site = await open({ secret: auth.secret, algorithms: ['EdDSA', 'HS256'] })
    expect(await site.status(await hmac(claims({ sub: 'service' })))).toBe(200)
    expect(site.keys.requests).toBe(0)
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
    await refused(site.with(await hmac(claims(), by('EdDSA').jwk.x)))
  })

  test('a key server has no say in shared secrets', async ({ open }) => {
    const site = await open({ secret: auth.secret, algorithms: ['EdDSA', 'HS256'] })
    const other = 'a-secret-that-the-key-server-gives-to-all'
    site.keys.keys.push({ kty: 'oct', k: part(other), alg: 'HS256', kid: 'oct' })
    await refused(site.with(forged({ ...header, kid: 'oct' }, claims(), other)))
  })
})

describe('while the key server is away', () => {
  test('from the start, it is 503 and not 401, and passes by itself', async ({ open }) => {
    const site = await open()
    await site.keys.stop()
    const ann = site.with(await by('EdDSA').sign())
    const { headers, body } = await ann.getUser({}, 503)
    expect(headers.get('retry-after')).toBe('1')
    expect(body).toMatchObject({ type: '/problems/unavailable', detail: expect.stringContaining('key server') })
    expect(site.log.at(-1)).toMatchObject({ level: 50, operation: 'getUser', error: { cause: { code: 'ECONNREFUSED' } } })
    await site.keys.start()
    pass(1)
    await ann.getUser()
  })

  test('tokens without a chance are 401 all the same', async ({ open }) => {
    const site = await open()
    await site.keys.stop()
    expect((await refused(site.with(forged({ alg: 'none' }, claims())))).detail).toBe(algorithm)
    await refused(site.with(`${part('garbage')}.${part('garbage')}.${part('garbage')}`))
  })

  test('it is asked once a second, however many tokens there are', async ({ open }) => {
    const site = await open()
    site.keys.instead = (_, response) => response.writeHead(500).end()
    for (const seconds of [0, 1, 1]) {
      pass(seconds)
      for (let i = 0; i < 10; i++) expect(await site.status(await by('EdDSA').sign(claims({ jti: `${i}` })))).toBe(503)
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
  test('whatever it answers later, known keys go on', async ({ open }) => {
    const site = await open()
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
    for (const [what, answer] of answers.filter(([what]) => what !== 'no key at all')) {
      site.keys.instead = answer
      const before = site.keys.requests
      await vi.waitFor(async () => {
        pass(601)
        expect([what, await site.status(await by('EdDSA').sign(claims({ jti: `${what} ${now()}` })))]).toEqual([what, 200])
        expect(site.keys.requests).toBeGreaterThan(before)
      })
    }
  })

  test('no more of its answer is taken than keys can be', async ({ open }) => {
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
    await site.with(await by('EdDSA').sign()).getUser({}, 503)
    await cut
    expect(sent).toBeLessThan(32 * 1024 * 1024)
    expect(JSON.stringify(site.log.at(-1))).toContain('The response of the key server is too large')
    site.keys.instead = null
    pass(1)
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
  })

  test('every answer that is no key set is an outage', async ({ open }) => {
    const site = await open()
    const ann = site.with(await by('EdDSA').sign())
    for (const [what, answer] of answers) {
      site.keys.instead = answer
      pass(1)
      expect([what, (await ann.send('GET', '/v1/users/me')).status]).toEqual([what, 503])
    }
    expect(site.keys.requests).toBe(answers.length)
    site.keys.instead = null
    pass(1)
    await ann.getUser()
  })

  test('a key that nobody can use is an outage', async ({ open }) => {
    const site = await open()
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const input = `${part({ alg: 'RS256', kid: 'weak' })}.${part(claims())}`
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    site.keys.keys = [
      { ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak' } as JWK,
      { ...by('ES256').jwk, x: by('ES256').jwk.y as string, kid: 'broken' },
      { ...(await exportJWK(privateKey)), kid: 'private' },
    ]
    expect(await site.status(`${input}.${signBytes('sha256', Buffer.from(input), weak.privateKey).toString('base64url')}`)).toBe(503)
    for (const kid of ['broken', 'private']) expect(await site.status(await by('ES256').sign(claims(), { kid }))).toBe(503)
  })

  test('the keys that it gave last go on, for as long as it takes', async ({ open }) => {
    const site = await open()
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
    const next = await signer('EdDSA', 'next')
    site.keys.keys = [next.jwk]
    await site.keys.stop()
    for (const seconds of [0, 6, 601, 1, 86_400]) {
      pass(seconds)
      expect(await site.status(await by('EdDSA').sign(claims({ jti: `${seconds}` })))).toBe(200)
    }
    await site.with(await next.sign()).getUser({}, 503)

    await site.keys.start()
    pass(1)
    expect(await site.status(await next.sign())).toBe(200)
    expect(await site.status(await by('EdDSA').sign(claims({ jti: 'at last' })))).toBe(401)
    site.keys.keys = [by('ES256').jwk]
    pass(601)
    expect(await site.status(await next.sign(claims({ jti: 'later' })))).toBe(401)
  })

  test('an empty key set withdraws the keys before', async ({ open }) => {
    const site = await open()
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
    site.keys.keys = []
    pass(601)
    expect(await site.status(await by('EdDSA').sign(claims({ jti: 'new' })))).toBe(503)
  })

  test('nobody with a known key waits for one that hangs, as long as somebody asks now and then', async ({ open }) => {
    const site = await open()
    expect(await site.status(await by('EdDSA').sign())).toBe(200)
    const hanging: (() => void)[] = []
    site.keys.instead = (_, response) => void hanging.push(() => response.end(JSON.stringify({ keys: [by('ES256').jwk] })))
    pass(301)
    for (let i = 0; i < 10; i++) expect(await site.status(await by('EdDSA').sign(claims({ jti: `${i}` })))).toBe(200)
    await vi.waitFor(() => expect(hanging).toHaveLength(1))
    Object.assign(site.keys, { instead: null, keys: [by('ES256').jwk] })
    for (const answer of hanging) answer()
    await vi.waitFor(async () => expect(await site.status(await by('ES256').sign())).toBe(200))
    expect(await site.status(await by('EdDSA').sign(claims({ jti: 'withdrawn' })))).toBe(401)
  })

  test('nobody waits long when it hangs, and who has a known key only once', async ({ open }) => {
    const [fresh, halting, known] = [await open(), await open(), await open()]
    const token = (jti: string) => by('EdDSA').sign(claims({ jti }))
    expect(await known.status(await token('before'))).toBe(200)
    for (const { keys } of [fresh, known]) keys.instead = () => {}
    halting.keys.instead = (_, response) => void response.write('{"keys":[')
    pass(601)

    const began = process.hrtime.bigint()
    const seconds = () => Number(process.hrtime.bigint() - began) / 1e9
    const replies = [fresh, halting, known].map(async site => site.status(await token('first')))
    expect(await Promise.all(replies)).toEqual([503, 503, 200])
    const first = seconds()
    expect(first).toBeLessThan(3.5)
    pass(1)
    expect(await known.status(await token('second'))).toBe(200)
    expect(known.keys.requests).toBe(3)
    expect(seconds() - first).toBeLessThan(1.5)
  })
})

describe('a verified token', () => {
  test('is remembered: it needs neither the key server nor its key', async ({ open }) => {
    const site = await open()
    const token = await by('EdDSA').sign()
    expect(await site.status(token)).toBe(200)
    site.keys.keys = [by('ES256').jwk]
    pass(6)
    expect(await site.status(await by('ES256').sign())).toBe(200)
    expect(await site.status(await by('EdDSA').sign(claims({ jti: 'new' })))).toBe(401)
    await site.keys.stop()
    expect(await site.status(token)).toBe(200)
    expect(site.keys.requests).toBe(2)
  })

  test('stops when it expires', async ({ open }) => {
    const site = await open()
    const token = await by('EdDSA').sign(claims({ exp: now() + 60 }))
    for (const [seconds, status] of [
      [0, 200],
      [60, 200],
      [4, 200],
      [1, 401],
    ] as const) {
      pass(seconds)
      expect(await site.status(token)).toBe(status)
    }
    expect((await refused(site.with(token))).detail).toContain('has expired')
  })

  test('does not outlive its withdrawn key by more than minutes', async ({ open }) => {
    const site = await open()
    const token = await by('EdDSA').sign(claims({ exp: now() + 365 * 86_400 }))
    expect(await site.status(token)).toBe(200)
    site.keys.keys = [by('ES256').jwk]
    pass(599)
    expect(await site.status(token)).toBe(200)
    pass(1)
    expect((await refused(site.with(token))).detail).toBe(unknown)
  })

  test('goes on while the key server is away', async ({ open }) => {
    const site = await open()
    const token = await by('EdDSA').sign()
    expect(await site.status(token)).toBe(200)
    await site.keys.stop()
    for (const seconds of [1, 700, 700]) {
      pass(seconds)
      expect(await site.status(token)).toBe(200)
    }
  })

  test('makes way for others, and is not remembered at all when it is huge', async () => {
    const keys = await keyServer(by('EdDSA').jwk)
    const authenticate = createAuthenticator({ ...auth, jwksUrl: keys.url, algorithms: ['EdDSA', 'ES256', 'HS256'] })
    const enter = (token: string) => authenticate(`Bearer ${token}`)
    const [oldest, huge] = [await by('EdDSA').sign(), await by('EdDSA').sign(claims({ jti: 'x'.repeat(5000) }))]
    for (const token of [oldest, huge]) await enter(token)
    keys.keys = [by('ES256').jwk]
    pass(6)
    await enter(await by('ES256').sign())
    await keys.stop()

    // The key of both is withdrawn, so only memory lets them in.
    await expect(enter(huge)).rejects.toMatchObject({ kind: 'unauthenticated' })
    const others = (count: number, name: string) => Array.from({ length: count }, (_, i) => forged(header, claims({ jti: `${name}-${i}` })))
    for (const token of others(9_998, 'others')) await enter(token)
    expect((await enter(oldest)).id).toBe('ann')
    for (const token of others(1, 'last')) await enter(token)
    await expect(enter(oldest)).rejects.toMatchObject({ kind: 'unauthenticated' })
  })
})

describe('what the token says about its person', () => {
  test('stands in the profile from the first contact, and the email follows', async ({ service }) => {
    const as = async (changed: JWTPayload) => client(service.url, await hmac(claims({ sub: 'eve', ...changed })))
    const first = await (await as({ email: 'eve@example.com', name: 'Eve' })).getUser()
    expect(first.body).toMatchObject({ id: 'eve', email: 'eve@example.com', name: 'Eve' })
    const moved = await (await as({ email: 'eve@example.org', name: 'Eve' })).getUser()
    expect(moved.body).toMatchObject({ email: 'eve@example.org', name: 'Eve', revision: first.body.revision + 1 })
    expect(moved.etag).not.toBe(first.etag)
    const silent = await (await as({})).getUser()
    expect(silent.body).toEqual(moved.body)
  })

  test('a name that the person changed or cleared stays', async ({ service }) => {
    const as = async (changed: JWTPayload) => client(service.url, await hmac(claims({ sub: 'flo', ...changed })))
    await (await as({ name: 'Flo' })).getUser()
    for (const name of ['Florence', null]) {
      await (await as({ name: 'Flo' })).updateUser({ body: { name } })
      for (const claim of ['Flo', 'Floris'])
        expect((await (await as({ name: claim, email: `${claim}@example.com` })).getUser()).body.name).toBe(name)
    }
  })

  test.for<[what: string, said: JWTPayload, shown: { email: string | null; name: string | null }]>([
    ['nothing', {}, { email: null, name: null }],
    ['empty texts', { email: '', name: '' }, { email: null, name: null }],
    ['blanks', { email: 'x', name: ' \u3000 ' }, { email: 'x', name: null }],
    ['numbers', { email: 1, name: 2 }, { email: null, name: null }],
    ['objects', { email: { a: 1 }, name: ['x'] }, { email: null, name: null }],
    ['NUL', { email: 'a\0@example.com', name: 'a\0' }, { email: null, name: null }],
    ['lone surrogates', { email: '\ud800@example.com', name: '\udfff' }, { email: null, name: null }],
    ['the longest', { email: '😀'.repeat(320), name: '😀'.repeat(200) }, { email: '😀'.repeat(320), name: '😀'.repeat(200) }],
    ['more than that', { email: 'x'.repeat(321), name: '😀'.repeat(201) }, { email: null, name: '😀'.repeat(200) }],
    ['a name far in', { name: `${' '.repeat(300)}Gus` }, { email: null, name: 'Gus' }],
    ['a whole book', { name: 'x'.repeat(9000) }, { email: null, name: 'x'.repeat(200) }],
  ])('may be %s', async ([what, said, shown], { service }) => {
    const gus = client(service.url, await hmac(claims({ sub: `gus, who says ${what}`, ...said })))
    await gus.createTask({ body: { title: 'a' } })
    expect((await gus.getUser()).body).toMatchObject(shown)
  })
})

describe('a sub of any characters', () => {
  // fetch would take the dots out of a path before it is sent.
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
  ])('%s has a space of its own, as "me" and by its encoded id', async (sub, { service }) => {
    const token = await hmac(claims({ sub }))
    const own = `/v1/users/${encodeURIComponent(sub)}`
    const me = await raw(service.url, 'GET', '/v1/users/me', token)
    expect(me).toMatchObject({ status: 200, body: { id: sub } })
    expect(await raw(service.url, 'GET', own, token)).toEqual(me)

    const made = await raw(service.url, 'POST', `${own}/tasks`, token, { title: 'a' })
    // A client would take dots for steps in the path.
    const space = sub === '.' || sub === '..' ? '/v1/users/me' : own
    expect([made.status, made.location]).toEqual([201, `${space}/tasks/${made.body.id}`])
    expect(await raw(service.url, 'GET', made.location, token)).toMatchObject({ status: 200, body: made.body })
    const bob = await hmac(claims({ sub: 'bob' }))
    expect((await raw(service.url, 'GET', made.location, bob)).status).toBe(space === '/v1/users/me' ? 404 : 403)
  })

  test('is compared as it is: no other spelling is the same person', async ({ service }) => {
    const ann = client(service.url, await hmac(claims({ sub: 'änn' })))
    for (const id of ['ÄNN', 'a\u0308nn', 'änn ', 'ann', '%C3%A4nn']) await ann.getUser({ path: { userId: id } }, 403)
  })
})

test('a token never stands in a log', async ({ service }) => {
  const tokens = [
    await hmac(claims()),
    await hmac(claims({ exp: now() - 60 })),
    await hmac(claims(), 'another-secret-that-is-as-long-as-ours'),
  ]
  for (const token of tokens) await client(service.url, token).send('POST', `/v1/users/me/tasks?token=${token}`, { body: token })
  expect(service.log.length).toBeGreaterThanOrEqual(3)
  expect(tokens.filter(token => told(service.log, token))).toEqual([])
})
