// The users of a seeded database, with their tokens and the ids of some of their tasks. `treeIds` are a task and those below it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type postgres from 'postgres'
import { issue } from '../../src/auth/issue.ts'
import type { AuthConfig } from '../../src/config/auth.ts'

export type User = { id: string; token: string; revision: number; categoryId: string; taskIds: string[]; treeIds: string[] }
export type Algorithm = 'HS256' | 'EdDSA'
type Account = Omit<User, 'token'> & { email: string; name: string }

export const auth: AuthConfig = {
  jwksUrl: null,
  secret: 'a-secret-that-only-this-benchmark-uses',
  algorithms: ['HS256'],
  issuers: ['https://issuer.bench'],
  audiences: ['taskspec'],
  audienceClaim: 'aud',
}
const lifetime = 24 * 3600 // s

export type Signer = Disposable & {
  /** URL of the key set */
  jwksUrl: string
  sign: (account: Account) => Promise<string>
}

/** An identity provider with one EdDSA key. */
export async function eddsa(): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true })
  const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'EdDSA', use: 'sig', kid: 'bench' }] })
  const server = createServer((_, response) => response.setHeader('Content-Type', 'application/jwk-set+json').end(keys))
  await once(server.listen(0, '127.0.0.1'), 'listening')

  return {
    jwksUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    sign: ({ id, email, name }) =>
      new SignJWT({ email, name })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'JWT', kid: 'bench' })
        .setSubject(id)
        .setIssuer(auth.issuers.join())
        .setAudience(auth.audiences.join())
        .setIssuedAt()
        .setExpirationTime(`${lifetime} s`)
        .sign(privateKey),
    [Symbol.dispose]: () => void server.close(),
  }
}

export const hs256: Pick<Signer, 'sign'> = { sign: ({ id, email, name }) => issue(auth, { id, claims: { email, name } }, lifetime) }

/** Users from the whole database, or the users with these numbers. Each has up to 20 of its task ids. */
export async function loadUsers(
  sql: postgres.Sql,
  signer: Pick<Signer, 'sign'>,
  { count, numbers }: { count: number; numbers?: [from: number, to: number] },
): Promise<User[]> {
  const ids = numbers && Array.from({ length: numbers[1] - numbers[0] + 1 }, (_, i) => `user-${numbers[0] + i}`)
  const accounts = await sql<Account[]>`
    select u.id, u.email, u.name, u.revision::int, c.id as "categoryId", t.ids as "taskIds", tree.ids as "treeIds"
    from (select * from users ${ids === undefined ? sql`` : sql`where id = any(${ids})`} order by md5(id) limit ${count}) as u,
      lateral (select id from categories where owner_id = u.id order by position limit 1) as c,
      lateral (
        select array_agg(id) as ids
        from (select id from tasks where owner_id = u.id and created_at < '2026-01-01' order by md5(id::text) limit 20) as picked) as t,
      lateral (
        select array_agg(id order by depth, id) as ids
        from tasks as top
        where owner_id = u.id and (depth > 0 or exists (select from tasks as below where below.owner_id = u.id and below.parent_id = top.id))) as tree`
  return Promise.all(
    accounts.map(async ({ email, name, ...account }) => ({ ...account, token: await signer.sign({ ...account, email, name }) })),
  )
}

/** The same users with their current revision in the tables of a schema. */
export async function refreshUsers(sql: postgres.Sql, users: User[], schema = 'public'): Promise<User[]> {
  const rows = await sql<{ id: string; revision: number }[]>`select id, revision::int from ${sql(schema)}.users`
  const revisions = new Map(rows.map(({ id, revision }) => [id, revision]))
  return users.map(user => ({ ...user, revision: revisions.get(user.id) as number }))
}
