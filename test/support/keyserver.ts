// The key server of an identity provider. It can rotate its keys, send bad replies, stop and start again.
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import { auth } from './taskspec.ts'

export const now = () => Math.floor(Date.now() / 1000)

/** The claims of a valid token with the changes of a test. `undefined` omits a claim. */
export function claims(changes: JWTPayload = {}): JWTPayload {
  return { sub: 'ann', iss: auth.issuers[0] as string, aud: auth.audiences[0] as string, exp: now() + 3600, ...changes }
}

/** Signs claims under a shared secret. */
export function hmac(payload: JWTPayload, secret = auth.secret as string, alg = 'HS256'): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret))
}

export type Signer = {
  /** as the key server publishes it */
  jwk: JWK
  privateJwk: JWK
  publicKey: CryptoKey
  sign: (payload?: JWTPayload, header?: Partial<JWTHeaderParameters>) => Promise<string>
}

/** A new key. With `kid` null it has no key id. */
export async function signer(alg: string, kid: string | null = alg): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const identity = kid === null ? { alg } : { alg, kid }
  return {
    publicKey,
    jwk: { ...(await exportJWK(publicKey)), use: 'sig', ...identity },
    privateJwk: await exportJWK(privateKey),
    sign: (payload = claims(), header = {}) => new SignJWT(payload).setProtectedHeader({ ...identity, ...header }).sign(privateKey),
  }
}

export type KeyServer = {
  url: string
  keys: JWK[]
  /** number of requests so far */
  requests: number
  /** replaces the reply with the keys */
  instead: RequestListener | null
  start: () => Promise<void>
  stop: () => Promise<void>
}

export async function createKeyServer(...keys: JWK[]): Promise<KeyServer> {
  let server: Server
  let port = 0
  const keyServer: KeyServer = {
    url: '',
    keys,
    requests: 0,
    instead: null,
    async start() {
      server = createServer((request, response) => {
        keyServer.requests += 1
        if (keyServer.instead !== null) return keyServer.instead(request, response)
        response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify({ keys: keyServer.keys }))
      })
      await once(server.listen(port, '127.0.0.1'), 'listening')
      port = (server.address() as AddressInfo).port
      keyServer.url = `http://127.0.0.1:${port}/jwks`
    },
    async stop() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
  await keyServer.start()
  return keyServer
}
