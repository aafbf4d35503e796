// Which tokens are accepted, and for how long.
import type { JWTPayload } from 'jose'
import { describe, expect } from 'vitest'
import { createAuthenticator } from '../../src/auth/authenticator.ts'
import { advance, forge, freezeClock, header, isLeaked, part, refused, signerOf, test } from '../support/authentication.ts'
import { client } from '../support/client.ts'
import { claims, createKeyServer, hmac, now } from '../support/keyserver.ts'
import { auth } from '../support/taskspec.ts'

freezeClock()

const remedy = 'Get a new one from your identity provider.'
const notVerified = `The token can't be verified. ${remedy}`
const wrongAlgorithm = `The token is signed with an algorithm that is not accepted here. ${remedy}`
const wrongSub = 'The token\'s claim "sub" must have 1 to 255 characters, none of them a control character.'
const reservedSub = 'The token\'s claim "sub" must not begin with "~": such ids are reserved for groups.'
const wrong = (claim: string) => `The token's claim "${claim}" has a value that is not accepted here. ${remedy}`
const missing = (claim: string) => `The token's claim "${claim}" is missing. ${remedy}`
const slash = 'The token\'s claim "iss" and the accepted one differ only by the slash at the end. AUTH_ISSUER must be exactly the claim.'
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

  test.for<[name: string, token: () => string | Promise<string>, detail: string]>([
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
    ['another issuer', () => hmac(claims({ iss: 'https://issuer.test/realm' })), wrong('iss')],
    ['an issuer with a slash at the end', () => hmac(claims({ iss: 'https://issuer.test/' })), slash],
    ['an issuer that is a list', () => hmac(claims({ iss: auth.issuers } as never)), wrong('iss')],
    ['no issuer', () => hmac(claims({ iss: undefined } as never)), missing('iss')],
    ['another audience', () => hmac(claims({ aud: 'other' })), wrong('aud')],
    ['other audiences', () => hmac(claims({ aud: ['other', 'taskspec2'] })), wrong('aud')],
    ['audiences without a text', () => hmac(claims({ aud: [null, 7] } as never)), wrong('aud')],
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

describe('several issuers and audiences', () => {
  const settings = { secret: auth.secret, jwksUrl: null, algorithms: ['HS256'], issuers: ['one', 'two/'], audiences: ['a', 'https://b c'] }

  test.for<[claim: string, payload: JWTPayload, refusedClaim: string | null]>([
    ['aud', { iss: 'one', aud: 'a' }, null],
    ['aud', { iss: 'two/', aud: ['x', 'https://b c'] }, null],
    ['aud', { iss: 'three', aud: 'a' }, 'iss'],
    ['aud', { iss: 'two', aud: 'a' }, 'iss'],
    ['aud', { iss: 'one', aud: 'a,https://b c' }, 'aud'],
    ['aud', { iss: 'one', aud: 'x', client_id: 'a' }, 'aud'],
    ['client_id', { iss: 'one', client_id: 'a' }, null],
    ['client_id', { iss: 'one', client_id: 'a', aud: 'x' }, null],
    ['client_id', { iss: 'one', aud: 'a' }, 'client_id'],
    ['client_id', { iss: 'one', aud: 'a', client_id: 'x' }, 'client_id'],
    ['azp', { iss: 'one', azp: ['x', 'a'] }, null],
    ['azp', { iss: 'one', azp: { a: 'a' } }, 'azp'],
    ['https://b.example/aud', { iss: 'one', 'https://b.example/aud': 'a' }, null],
    ['constructor', { iss: 'one' }, 'constructor'],
  ])('with the claim %s: %j', async ([audienceClaim, payload, refusedClaim]) => {
    const authenticate = createAuthenticator({ ...settings, audienceClaim })
    const outcome = await authenticate(`Bearer ${await hmac(claims({ iss: undefined, aud: undefined, ...payload } as JWTPayload))}`).catch(
      ({ kind, message }) => [kind, message.includes(`"${refusedClaim}"`)],
    )
    if (refusedClaim === null) expect(outcome).toMatchObject({ id: 'ann' })
    else expect(outcome).toEqual(['unauthenticated', true])
  })
})

test('the log says why a token was refused', async ({ service }) => {
  for (const [code, token] of [
    ['ERR_JWT_EXPIRED', await hmac(claims({ exp: now() - 60 }))],
    ['ERR_JWT_CLAIM_VALIDATION_FAILED', await hmac(claims({ aud: 'other' }))],
    ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', await hmac(claims(), 'another-secret-that-is-as-long-as-ours')],
    ['ERR_JOSE_ALG_NOT_ALLOWED', forge({ alg: 'none' }, claims())],
  ] as const) {
    await refused(client(service.url, token))
    expect(service.log.at(-1)).toMatchObject({ level: 30, msg: 'request', status: 401, code })
  }
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
