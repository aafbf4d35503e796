// Servers with a key server of their own, and tokens of every kind, valid or not.
import { createHmac } from 'node:crypto'
import { afterEach, beforeEach, expect, vi } from 'vitest'
import type { AuthConfig } from '../../src/config/auth.ts'
import { type Client, client, type Problem } from './client.ts'
import { createKeyServer, type KeyServer, type Signer, signer } from './keyserver.ts'
import { auth, test as base, type Service, start } from './taskspec.ts'

export const algorithms = ['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'PS256']
const signers = new Map(await Promise.all(algorithms.map(async alg => [alg, await signer(alg)] as const)))
export const signerOf = (alg: string) => signers.get(alg) as Signer

/** Stops the clock during each test of a file. Only `advance` moves it. Timers are real. */
export function freezeClock() {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }))
  afterEach(() => void vi.useRealTimers())
}
export const advance = (seconds: number) => vi.advanceTimersByTime(seconds * 1000)

export type Site = {
  keys: KeyServer
  log: Service['log']
  /** a client with this token */
  clientWith: (token: string) => Client
  /** the status of a request with this token */
  status: (token: string) => Promise<number>
}
export const test = base.extend<{ $test: { open: (settings?: Partial<AuthConfig>) => Promise<Site> } }>({
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
export function isLeaked(log: Service['log'], token: string): boolean {
  const lines = JSON.stringify(log)
  return token
    .split('.')
    .slice(1)
    .some(part => lines.includes(part))
}

/** The header of `hmac`'s tokens. */
export const header = { alg: 'HS256', typ: 'JWT' }

export const part = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

/** Signs any header and any payload, also those that jose refuses to sign. */
export function forge(header: object, payload: unknown, secret = auth.secret as string): string {
  const signed = `${part(header)}.${part(payload)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

export async function refused(caller: Client, headers: Record<string, string> = {}): Promise<Problem> {
  const answer = await caller.send('GET', '/v1/users/me/tasks', { headers })
  expect(answer.status).toBe(401)
  expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  expect(answer.body).toMatchObject({ type: '/problems/unauthenticated', status: 401, title: 'No valid token' })
  return answer.body as Problem
}
