// The key server is late, gone, slow, or rotates its keys all the time. The server is a process of its own, under the real clock.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { client } from '../support/client.ts'
import { eventually, steadyMs } from '../support/clock.ts'
import { claims, createKeyServer, type Signer, signer } from '../support/keyserver.ts'
import { listening, run } from '../support/process.ts'
import { test as base } from '../support/taskspec.ts'
import { tally } from './crowd.ts'

type Site = Awaited<ReturnType<typeof createKeyServer>> & { serve: () => Promise<(token: string) => Promise<number>> }
const test = base.extend<{ $test: { first: Signer; keys: Site } }>({
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the pattern
  first: async ({}, use) => use(await signer('EdDSA', 'first')),
  keys: async ({ first, service, onTestFinished }, use) => {
    const keys = await createKeyServer(first.jwk)
    const settings = { DATABASE_URL: service.databaseUrl, NODE_ENV: 'production', AUTH_SECRET: '', AUTH_JWKS_URL: keys.url }
    const starts: (() => Promise<unknown>)[] = []
    async function serve() {
      const process = run({ ...settings, RATE_LIMIT_PER_MINUTE: '0' }, { atEnd: onTestFinished })
      starts.push(async () => {
        process.child.kill('SIGTERM')
        expect(await process.ended).toBe(0)
      })
      const url = await listening(process)
      await eventually(() => client(url, undefined).getReadiness())
      return async (token: string) => (await client(url, token).send('GET', '/v1/users/me')).status
    }
    await use(Object.assign(keys, { serve }))
    for (const end of starts) await end()
    await keys.stop()
  },
})

let tokens = 0
/** A token that the server has not seen. */
const fresh = ({ sign }: Signer) => sign(claims({ jti: `${tokens++}` }))

test.concurrent('a key server that starts after the server is found without a restart', async ({ keys, first }) => {
  await keys.stop()
  const ask = await keys.serve()
  expect(await ask(await fresh(first))).toBe(503)
  await keys.start()
  await eventually(async () => expect(await ask(await fresh(first))).toBe(200))
  await keys.stop()
  for (let i = 0; i < 10; i++) expect(await ask(await fresh(first))).toBe(200)
})

test.concurrent('while the keys rotate under load, each token of a published key is accepted', async ({ keys, first }) => {
  const ask = await keys.serve()
  await eventually(async () => expect(await ask(await fresh(first))).toBe(200))
  const before = keys.requests
  let published = [first]
  let going = true
  const calls: { status: number }[] = []
  async function call(which: () => Signer) {
    while (going) calls.push({ status: await ask(await fresh(which())) })
  }
  const oldest = () => published[0] as Signer
  const newest = () => published.at(-1) as Signer
  const callers = Promise.all([oldest, newest, newest, oldest, newest].map(call))

  const rotations = 5
  for (let i = 0; i < rotations; i++) {
    const count = calls.length
    const next = await signer('EdDSA', `key-${i}`)
    published.push(next)
    keys.keys.push(next.jwk)
    await eventually(() => expect(calls.length).toBeGreaterThan(count + 20))
    // The old key is removed when its tokens are no longer in use.
    published = [next]
    await eventually(() => expect(calls.length).toBeGreaterThan(count + 40))
    keys.keys = [next.jwk]
  }
  going = false
  await callers
  expect(tally(calls)).toEqual({ 200: calls.length })
  // One for each new key, and another one for a token that arrived while the keys were being fetched.
  expect(keys.requests - before).toBeLessThanOrEqual(2 * rotations)
})

test.concurrent('only tokens with a new key wait for a slow key server, for 3 seconds at most', async ({ keys, first }) => {
  const ask = await keys.serve()
  await eventually(async () => expect(await ask(await fresh(first))).toBe(200))
  const before = keys.requests
  const next = await signer('EdDSA', 'next')
  keys.keys.push(next.jwk)
  keys.instead = () => {}
  const began = steadyMs()
  const waiting = Array.from({ length: 5 }, async () => ({ status: await ask(await fresh(next)), ms: steadyMs() - began }))
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
  // They don't wait: otherwise the first of them would be the last.
  expect(others).toBeGreaterThan(2)
  expect(keys.requests - before).toBe(1)
  keys.instead = null
  await eventually(async () => expect(await ask(await fresh(next))).toBe(200))
})
