// The key server late, gone, slow, and with new keys all the time; beside the program itself, under the real clock.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import { client } from '../support/client.ts'
import { claims, createKeyServer, type Signer, signer } from '../support/keyserver.ts'
import { listening, run } from '../support/process.ts'
import { test as base, createDatabase } from '../support/taskspec.ts'
import { tally } from './crowd.ts'

type Site = Awaited<ReturnType<typeof createKeyServer>> & { serve: () => Promise<(token: string) => Promise<number>> }
const test = base.extend<{ $test: { first: Signer; keys: Site } }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
  first: async ({}, use) => use(await signer('EdDSA', 'first')),
  keys: async ({ first }, use) => {
    const database = await createDatabase()
    const keys = await createKeyServer(first.jwk)
    const settings = { DATABASE_URL: database.url, NODE_ENV: 'production', AUTH_SECRET: '', AUTH_JWKS_URL: keys.url }
    const starts: (() => Promise<unknown>)[] = []
    async function serve() {
      const process = run({ ...settings, RATE_LIMIT_PER_MINUTE: '0' })
      starts.push(async () => {
        process.child.kill('SIGTERM')
        expect(await process.ended).toBe(0)
      })
      const url = await listening(process)
      return async (token: string) => (await client(url, token).send('GET', '/v1/users/me')).status
    }
    await use(Object.assign(keys, { serve }))
    for (const end of starts) await end()
    await keys.stop()
    await database.drop()
  },
})

let tokens = 0
/** A token that nobody has seen. */
const fresh = ({ sign }: Signer) => sign(claims({ jti: `${tokens++}` }))

test('a key server that comes later than the server is found by itself', async ({ keys, first }) => {
  await keys.stop()
  const ask = await keys.serve()
  expect(await ask(await fresh(first))).toBe(503)
  await keys.start()
  await vi.waitFor(async () => expect(await ask(await fresh(first))).toBe(200), 10_000)
  await keys.stop()
  for (let i = 0; i < 20; i++) expect(await ask(await fresh(first))).toBe(200)
})

test('while the keys rotate under load, every token whose key is published is let in', async ({ keys, first }) => {
  const ask = await keys.serve()
  expect(await ask(await fresh(first))).toBe(200)
  let published = [first]
  let going = true
  const calls: { status: number }[] = []
  async function visit(which: () => Signer) {
    while (going) calls.push({ status: await ask(await fresh(which())) })
  }
  const oldest = () => published[0] as Signer
  const newest = () => published.at(-1) as Signer
  const visitors = Promise.all([oldest, newest, newest, oldest, newest].map(visit))

  const rotations = 8
  for (let i = 0; i < rotations; i++) {
    const before = calls.length
    const next = await signer('EdDSA', `key-${i}`)
    published.push(next)
    keys.keys.push(next.jwk)
    await vi.waitFor(() => expect(calls.length).toBeGreaterThan(before + 20), 10_000)
    // The old one goes when the tokens that it has signed are gone.
    published = [next]
    await vi.waitFor(() => expect(calls.length).toBeGreaterThan(before + 40), 10_000)
    keys.keys = [next.jwk]
  }
  going = false
  await visitors
  expect(tally(calls)).toEqual({ 200: calls.length })
  // One for each new key, and another where a token came while the keys were on their way.
  expect(keys.requests).toBeLessThanOrEqual(1 + 2 * rotations)
})

test('a key server that is slow is waited for by those who need it, for 3 seconds at most', async ({ keys, first }) => {
  const ask = await keys.serve()
  expect(await ask(await fresh(first))).toBe(200)
  const next = await signer('EdDSA', 'next')
  keys.keys.push(next.jwk)
  keys.instead = () => {}
  const began = performance.now()
  const waiting = Array.from({ length: 5 }, async () => ({ status: await ask(await fresh(next)), ms: performance.now() - began }))
  let done = false
  const all = Promise.all(waiting).finally(() => {
    done = true
  })
  let others = 0
  while (!done) {
    expect(await ask(await fresh(first))).toBe(200)
    others += 1
    await sleep(10)
  }
  const answers = await all
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503])
  expect(Math.max(...answers.map(({ ms }) => ms))).toBeLessThan(6_000)
  // Had they waited as well, there would be one or two of them.
  expect(others).toBeGreaterThan(10)
  expect(keys.requests).toBe(2)
  keys.instead = null
  await vi.waitFor(async () => expect(await ask(await fresh(next))).toBe(200), 10_000)
})
