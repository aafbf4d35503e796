// The key server of an identity provider, which can rotate its keys, fail in every way, go and come back.
import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, type JWTPayload, SignJWT } from 'jose'
import { auth } from './taskspec.ts'

export const now = () => Math.floor(Date.now() / 1000)

/** The claims of a token that is fine, with what the test changes; `undefined` leaves one out. */
export function claims(changed: JWTPayload = {}): JWTPayload {
  return { sub: 'ann', iss: auth.issuer as string, aud: auth.audience as string, exp: now() + 3600, ...changed }
}

/** Signs claims under a shared secret. */
export function hmac(payload: JWTPayload, secret = auth.secret as string, alg = 'HS256'): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret))
}

export type Signer = {
  /** as the key server shows it */
  jwk: JWK
  publicKey: CryptoKey
  sign: (payload?: JWTPayload, header?: Partial<JWTHeaderParameters>) => Promise<string>
}

/** A new key; `kid` null leaves it without a name. */
export async function signer(alg: string, kid: string | null = alg): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const named = kid === null ? { alg } : { alg, kid }
  return {
    publicKey,
    jwk: { ...(await exportJWK(publicKey)), use: 'sig', ...named },
    sign: (payload = claims(), header = {}) => new SignJWT(payload).setProtectedHeader({ ...named, ...header }).sign(privateKey),
  }
}

export type KeyServer = {
  url: string
  keys: JWK[]
  /** how often it was asked */
  requests: number
  /** what it does instead of showing its keys */
  instead: RequestListener | null
  start: () => Promise<void>
  stop: () => Promise<void>
}

export async function keyServer(...keys: JWK[]): Promise<KeyServer> {
  let server: Server
  let port = 0
  const it: KeyServer = {
    url: '',
    keys,
    requests: 0,
    instead: null,
    async start() {
      server = createServer((request, response) => {
        it.requests += 1
        if (it.instead !== null) return it.instead(request, response)
        response.setHeader('content-type', 'application/jwk-set+json').end(JSON.stringify({ keys: it.keys }))
      })
      await once(server.listen(port, '127.0.0.1'), 'listening')
      port = (server.address() as AddressInfo).port
      it.url = `http://127.0.0.1:${port}/jwks`
    },
    async stop() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
  await it.start()
  return it
}
