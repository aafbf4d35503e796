// Which keys verify tokens, and the replies while the key server is down.
import { generateKeyPairSync, sign as signBytes } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { exportSPKI, type JWK } from 'jose'
import { describe, expect } from 'vitest'
import { createAuthenticator } from '../../src/auth/authenticator.ts'
import { advance, algorithms, forge, freezeClock, header, part, refused, type Site, signerOf, test } from '../support/authentication.ts'
import { eventually } from '../support/clock.ts'
import { claims, createKeyServer, hmac, now, signer } from '../support/keyserver.ts'
import { auth } from '../support/taskspec.ts'

freezeClock()

const remedy = 'Get a new one from your identity provider.'
const notVerified = `The token can't be verified. ${remedy}`
const wrongAlgorithm = `The token is signed with an algorithm that is not accepted here. ${remedy}`
const unknownKey = `The token is signed with a key that is not accepted here. ${remedy}`

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
    site.keys.keys = [{ ...jwk, key_ops: ['verify', 'sign', 'verify'], use: 'sig', ext: true }]
    advance(6)
    expect(await site.status(await sign(claims({ jti: 'several uses' })))).toBe(200)
  })

  // Serializers of some providers write every member that they know, and a byte order mark.
  test('members without a value count as absent', async ({ open }) => {
    const site = await open()
    const { jwk, sign } = await signer('ES256', null)
    const keys = [{ ...jwk, use: null, alg: null, kid: null, key_ops: [], x5c: [], oth: null }]
    site.keys.instead = (_, response) => response.end(`\ufeff${JSON.stringify({ keys })}`)
    expect(await site.status(await sign())).toBe(200)
  })

  test('keys without a key id are tried one by one', async ({ open }) => {
    const site = await open()
    const [one, two, three] = [await signer('ES256', null), await signer('ES256', null), await signer('ES256', null)]
    site.keys.keys = [one.jwk, two.jwk]
    for (const { sign } of [one, two]) expect(await site.status(await sign())).toBe(200)
    expect((await refused(site.clientWith(await two.sign(claims({ exp: now() - 60 }))))).detail).toContain('has expired')
    expect((await refused(site.clientWith(await three.sign()))).detail).toBe(notVerified)
  })

  test('after a rotation the first token with the new key is accepted, and the withdrawn key is refused', async ({ open }) => {
    const site = await open()
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    const next = await signer('EdDSA', 'next')
    site.keys.keys = [next.jwk]
    advance(120)
    expect(await site.status(await next.sign())).toBe(200)
    expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: 'new' })))).toBe(401)
    expect(site.keys.requests).toBe(2)
  })

  test('the first token with a key published right after a fetch is accepted, unless a search for it has just failed', async ({ open }) => {
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

/** The newest line with an error says what the key server did and what to do. */
function expectFinding({ keys, log }: Site, finding: string) {
  const { error } = log.findLast(({ error }) => error !== undefined) as { error: { message: string } }
  expect(error.message).toContain(`The key server ${finding.replace('PORT', new URL(keys.url).port)}`)
}

describe('a key that can never work', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const weakJwk = { ...weak.publicKey.export({ format: 'jwk' }), kid: 'bad' } as JWK
  const [ec, rsa] = [signerOf('ES256').jwk, signerOf('RS256').jwk]
  const faulty: [name: string, key: unknown, kind: 'RSA' | 'EC' | null, reason: string | null][] = [
    ['a short RSA key', weakJwk, 'RSA', 'is an RSA key of less than 2048 bits'],
    ['an RSA key without modulus', { ...rsa, kid: 'bad', n: undefined }, 'RSA', 'is malformed'],
    ['a modulus that is no number', { ...rsa, kid: 'bad', n: '*' }, 'RSA', 'is an RSA key of less than 2048 bits'],
    ['a modulus that is no text', { ...rsa, kid: 'bad', n: 7 }, 'RSA', 'is an RSA key of less than 2048 bits'],
    ['a point that is not on the curve', { ...ec, kid: 'bad', x: ec.y }, 'EC', 'is malformed'],
    ['a private key', { ...signerOf('ES256').privateJwk, kid: 'bad' }, 'EC', 'is a private key'],
    ['a key for encryption', { ...rsa, kid: 'bad', use: 'enc' }, 'RSA', null],
    ['a key for signing', { ...ec, kid: 'bad', key_ops: ['sign'] }, 'EC', null],
    ['a secret', { kty: 'oct', k: part('secret'), kid: 'bad' }, null, null],
    ['an unknown type', { kty: 'QKD', kid: 'bad' }, null, null],
    ['an unknown curve', { ...ec, kid: 'bad', crv: 'P-999' }, 'EC', null],
    ['Ed448', { kty: 'OKP', crv: 'Ed448', x: part('x'.repeat(57)), kid: 'bad', alg: 'EdDSA' }, null, null],
    ['an unknown algorithm', { ...rsa, kid: 'bad', alg: 'RSA-OAEP' }, 'RSA', null],
    ['no type', { kid: 'bad' }, null, null],
    ['a kid that is no text', { ...ec, kid: 7, x: ec.y }, null, null],
    ['text', 'bad', null, null],
    ['a list', [ec], null, null],
    ['null', null, null, null],
  ]

  test('is 401 with a reason and decides about no other key, in any order, with and without kid', async ({ open }) => {
    const site = await open()
    const named = { RSA: signerOf('RS256'), EC: signerOf('ES256') }
    const unnamed = { RSA: await signer('RS256', null), EC: await signer('ES256', null) }
    const good = [...Object.values(named), ...Object.values(unnamed)].map(({ jwk }) => jwk)
    for (const [name, bad, kind, reason] of faulty)
      for (const [keys, signers] of [
        [[bad, ...good], Object.values(unnamed)],
        [
          [...good, bad],
          [unnamed.RSA, named.EC],
        ],
      ] as const) {
        site.keys.keys = [...keys] as JWK[]
        advance(601)
        for (const { sign } of signers) expect([name, await site.status(await sign(claims({ jti: `${now()}` })))]).toEqual([name, 200])
        if (kind === null) continue
        const { detail } = await refused(site.clientWith(await named[kind].sign(claims(), { kid: 'bad' })))
        const expected = `The token is signed with a key of the identity provider that ${reason}. It can't be used here.`
        expect([name, detail]).toEqual([name, reason === null ? unknownKey : expected])
        expect(site.log.at(-1)).toMatchObject({ status: 401, code: reason === null ? 'ERR_JWKS_NO_MATCHING_KEY' : 'ERR_KEY_UNUSABLE' })
      }
    const warned = site.log.filter(({ msg }) => msg === 'key server').map(({ error }) => (error as Error).message)
    expect(warned).toContain('The key "bad" of the key server can\'t be used: it is an RSA key of less than 2048 bits')
  })

  test('is 401 also where it is the only key, and where the token names none', async ({ open }) => {
    const site = await open()
    const input = (kid: string | undefined) => `${part({ alg: 'RS256', kid })}.${part(claims())}`
    const signed = (text: string) => `${text}.${signBytes('sha256', Buffer.from(text), weak.privateKey).toString('base64url')}`
    site.keys.keys = [weakJwk]
    for (const kid of ['bad', undefined]) {
      const { detail } = await refused(site.clientWith(signed(input(kid))))
      expect(detail).toContain('is an RSA key of less than 2048 bits')
    }
    expect((await refused(site.clientWith(await signerOf('EdDSA').sign()))).detail).toBe(unknownKey)
    site.keys.keys = [weakJwk, { ...signerOf('RS256').jwk, kid: 'bad' }]
    advance(601)
    expect((await refused(site.clientWith(signed(input(undefined))))).detail).toBe(notVerified)
    expect(await site.status(await signerOf('RS256').sign(claims(), { kid: 'bad' }))).toBe(200)
  })
})

test('an Ed25519 key verifies tokens with either name of its algorithm, whichever is published and configured', async ({
  onTestFinished,
}) => {
  const { jwk, sign } = signerOf('EdDSA')
  const keys = await createKeyServer()
  onTestFinished(keys.stop)
  for (const published of ['EdDSA', 'Ed25519', undefined])
    for (const configured of ['EdDSA', 'Ed25519', 'ES256']) {
      keys.keys = [{ ...jwk, alg: published } as JWK]
      const authenticate = createAuthenticator({ ...auth, secret: null, jwksUrl: keys.url, algorithms: [configured] })
      for (const alg of ['EdDSA', 'Ed25519']) {
        const outcome = await authenticate(`Bearer ${await sign(claims(), { alg })}`).catch(({ kind }) => kind)
        if (configured === 'ES256') expect(outcome).toBe('unauthenticated')
        else expect(outcome).toMatchObject({ id: 'ann' })
      }
    }
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
    expect(site.log.at(-1)).toMatchObject({ level: 50, operation: 'getUser', error: { name: 'KeyServerError', code: 'ECONNREFUSED' } })
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

  const answers: [name: string, answer: RequestListener, finding: string][] = [
    ['an error', (_, response) => response.writeHead(500).end('{"keys":[]}'), 'answers 500. The key server has an error.'],
    ['too many requests', (_, response) => response.writeHead(429).end(), 'answers 429. The key server has an error.'],
    ['a wrong address', (_, response) => response.writeHead(404).end('{"keys":[]}'), 'answers 404. Check AUTH_JWKS_URL'],
    ['a slash more', redirect(301, '/jwks/'), 'answers 301 and redirects to http://127.0.0.1:PORT/jwks/. Set AUTH_JWKS_URL to http://'],
    ['TLS', redirect(308, 'https://127.0.0.1/jwks?key=x'), 'answers 308 and redirects to https://127.0.0.1/jwks. Set AUTH_JWKS_URL to h'],
    ['another site', redirect(302, 'https://u:p@other.test/x'), 'answers 302 and redirects to another site, https://other.test/x. Check'],
    ['a redirect to nowhere', (_, response) => response.writeHead(303).end(), 'answers 303. Check AUTH_JWKS_URL'],
    ['nothing', (_, response) => response.end(), 'sends no JSON. Check AUTH_JWKS_URL'],
    ['a page', (_, response) => response.setHeader('content-type', 'text/html; x').end('<p>Hi'), 'sends no JSON, but text/html. Check'],
    ['half of its JSON', (_, response) => response.end('{"keys":[{"kty":'), 'sends no JSON. Check'],
    ['null', (_, response) => response.end('null'), 'sends JSON that is no key set. Check'],
    ['an object without keys', (_, response) => response.end('{"jwks_uri":"https://x"}'), 'sends JSON that is no key set. Check'],
    ['keys that are none', (_, response) => response.end('{"keys":[1,null]}'), 'sends JSON that is no key set. Check'],
    ['no key at all', (_, response) => response.end('{"keys":[]}'), 'sends an empty key set. The key server has'],
    ['a broken connection', request => request.socket.destroy(), 'is not reachable (UND_ERR_SOCKET). Check AUTH_JWKS_URL, the network'],
  ]
  function redirect(status: number, location: string): RequestListener {
    return (_, response) => response.writeHead(status, { location }).end()
  }

  test('known keys stay valid, independent of its replies', async ({ open }) => {
    const site = await open()
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
    for (const [name, answer, finding] of answers.filter(([name]) => name !== 'no key at all')) {
      site.keys.instead = answer
      const before = site.keys.requests
      await eventually(async () => {
        advance(601)
        expect([name, await site.status(await signerOf('EdDSA').sign(claims({ jti: `${name} ${now()}` })))]).toEqual([name, 200])
        expect(site.keys.requests).toBeGreaterThan(before)
      })
      expectFinding(site, finding)
      site.keys.instead = null
      await eventually(async () => {
        const before = site.keys.requests
        advance(601)
        await site.status(await signerOf('EdDSA').sign(claims({ jti: `after ${name} ${now()}` })))
        expect(site.keys.requests).toBeGreaterThan(before)
      })
    }
    // One line for each time that it fails, and none for each request.
    expect(site.log.filter(({ msg }) => msg === 'key server')).toHaveLength(answers.length - 1)
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
    expect(JSON.stringify(site.log.at(-1))).toContain('The key server sends more than 1 MiB')
    site.keys.instead = null
    advance(1)
    expect(await site.status(await signerOf('EdDSA').sign())).toBe(200)
  })

  test('every reply that is not a key set is answered with 503', async ({ open }) => {
    const site = await open()
    const ann = site.clientWith(await signerOf('EdDSA').sign())
    for (const [name, answer, finding] of answers) {
      site.keys.instead = answer
      advance(1)
      expect([name, (await ann.send('GET', '/v1/users/me')).status]).toEqual([name, 503])
      expectFinding(site, finding)
    }
    expect(site.keys.requests).toBe(answers.length)
    site.keys.instead = null
    advance(1)
    await ann.getUser()
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
    await eventually(() => expect(hanging).toHaveLength(1))
    Object.assign(site.keys, { instead: null, keys: [signerOf('ES256').jwk] })
    for (const answer of hanging) answer()
    await eventually(async () => expect(await site.status(await signerOf('ES256').sign())).toBe(200))
    expect(await site.status(await signerOf('EdDSA').sign(claims({ jti: 'withdrawn' })))).toBe(401)
  })

  test('when it hangs callers wait until a timeout, and with a known key only once', async ({ open }) => {
    const [fresh, halting, warm] = [await open(), await open(), await open()]
    const token = (jti: string) => signerOf('EdDSA').sign(claims({ jti }))
    expect(await warm.status(await token('before'))).toBe(200)
    let aborted = 0
    const hang: RequestListener = (_, response) => void response.on('close', () => aborted++)
    for (const { keys } of [fresh, warm]) keys.instead = hang
    halting.keys.instead = (_, response) => void response.write('{"keys":[')
    advance(601)

    const replies = Promise.all([fresh, halting, warm].map(async site => site.status(await token('first'))))
    // The timeout is 2 s. A busy machine delays both timers.
    expect(await Promise.race([replies, sleep(10_000, 'late', { ref: false })])).toEqual([503, 503, 200])
    await eventually(() => expect(aborted).toBe(2))
    advance(1)
    expect(await warm.status(await token('second'))).toBe(200)
    expect(aborted).toBe(2) // the reply came while the third fetch was pending
    await eventually(() => expect(warm.keys.requests).toBe(3))
  })
})
