// What the doctor says about the keys, with a key server of every kind.
import type { RequestListener } from 'node:http'
import type { JWK } from 'jose'
import { expect, test } from 'vitest'
import { keysFinding } from '../../src/cli/findings/keys.ts'
import { readConfig } from '../../src/config/config.ts'
import { createKeyServer, signer } from '../support/keyserver.ts'

const { jwk } = await signer('EdDSA', 'one')
const network = 'Check AUTH_JWKS_URL, the network between this machine and the key server, HTTP_PROXY, HTTPS_PROXY and NO_PROXY.'
const address = 'Check AUTH_JWKS_URL: the provider names its key set as "jwks_uri" in /.well-known/openid-configuration.'

test.for<[name: string, answer: RequestListener | unknown[], state: string, remedy?: string]>([
  ['a working one', [jwk], '1 usable key at URL'],
  [
    'one with keys of every kind',
    [jwk, { ...jwk, kid: 'two' }, { ...jwk, kid: 'enc', use: 'enc' }, { ...jwk, kid: undefined, x: 'A' }],
    '2 usable keys at URL; "enc" is not for a signature that is accepted here; a key without kid is malformed',
  ],
  [
    'one without a usable key',
    [{ kty: 'oct', k: 'AA', kid: 'secret' }],
    '0 usable keys at URL; "secret" is not for a signature that is accepted here',
    'No key can verify a token. Let the identity provider sign with one of AUTH_ALGORITHMS.',
  ],
  ['an empty set', [], 'URL sends an empty key set', 'The key server has an error. The server asks again by itself.'],
  ['a wrong path', (_, response) => response.writeHead(404).end(), 'URL answers 404', address],
  [
    'an error',
    (_, response) => response.writeHead(502).end(),
    'URL answers 502',
    'The key server has an error. The server asks again by itself.',
  ],
  [
    'a redirect',
    (_, response) => response.writeHead(301, { location: 'https://127.0.0.1/keys' }).end(),
    'URL answers 301 and redirects to https://127.0.0.1/keys',
    'Set AUTH_JWKS_URL to https://127.0.0.1/keys.',
  ],
  ['a page', (_, response) => response.setHeader('content-type', 'text/html').end('<p>'), 'URL sends no JSON, but text/html', address],
  ['a broken connection', request => request.socket.destroy(), 'URL is not reachable (UND_ERR_SOCKET)', network],
])('of %s', async ([, answer, state, remedy], { onTestFinished }) => {
  const server = await createKeyServer()
  onTestFinished(server.stop)
  if (typeof answer === 'function') server.instead = answer
  else server.keys = answer as JWK[]
  const expected = { subject: 'keys', state: state.replace('URL', server.url), ...(remedy !== undefined && { remedy }) }
  expect(await keysFinding(readConfig({ AUTH_JWKS_URL: server.url }))).toEqual(expected)
})

test('of a port that fetch refuses', async () => {
  const { state } = await keysFinding(readConfig({ AUTH_JWKS_URL: 'http://127.0.0.1:9/jwks' }))
  expect(state).toBe('http://127.0.0.1:9/jwks is not reachable (bad port)')
})
