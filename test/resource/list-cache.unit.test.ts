import { expect, test } from 'vitest'
import { createListCache } from '../../src/resource/list-cache.ts'

const mebibyte = 2 ** 20

/** Accounts with a revision each, whose pages tell owner, query and revision. `reads` has each page that was not in memory. */
function accounts(maxBytes = mebibyte) {
  const revisions = new Map<string, number>()
  const reads: string[] = []
  let lost = 0
  const cache = createListCache(maxBytes, () => lost)
  const revisionOf = (owner: string) => revisions.get(owner) ?? 1
  return {
    reads,
    counts: cache.counts,
    change: (owner: string) => void revisions.set(owner, revisionOf(owner) + 1),
    loseConnection() {
      lost += 1
    },
    async list(owner: string, query: object, duringRead = () => {}) {
      const page = cache.page(
        owner,
        query,
        async id => revisionOf(id),
        async () => {
          const revision = revisionOf(owner)
          reads.push(owner)
          duringRead()
          return { revision, body: { owner, query, revision } }
        },
      )
      const { revision, body } = await page()
      return { revision, body: body instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(body)) : body }
    },
  }
}

test('a page is kept when it is read again, for its owner, query and revision', async () => {
  const { list, change, reads } = accounts()
  for (const owner of ['ann', 'ben', 'ann', 'ben', 'ann', 'ben'])
    for (const query of [{ limit: 20 }, { limit: 21 }])
      expect(await list(owner, query)).toEqual({ revision: 1, body: { owner, query, revision: 1 } })
  expect(reads).toEqual(['ann', 'ann', 'ben', 'ben', 'ann', 'ann', 'ben', 'ben'])
  change('ann')
  for (const owner of ['ann', 'ben', 'ann', 'ann']) await list(owner, { limit: 20 })
  expect(reads.slice(8)).toEqual(['ann', 'ann'])
  expect((await list('ann', { limit: 21 })).revision).toBe(2)
})

test('a page that a change overtook is kept under the revision that it shows', async () => {
  const { list, change, reads } = accounts()
  await list('ann', { limit: 20 })
  expect((await list('ann', { limit: 20 }, () => change('ann'))).revision).toBe(1)
  expect(await list('ann', { limit: 20 })).toEqual({ revision: 2, body: { owner: 'ann', query: { limit: 20 }, revision: 2 } })
  expect(reads).toHaveLength(3)
})

test('a page that was found is not given out under the revision of a newer one that came meanwhile', async () => {
  const { promise: revision, resolve } = Promise.withResolvers<number>()
  const cache = createListCache(mebibyte, () => 0)
  const page = (query: object, current: Promise<number>, read: number) =>
    cache.page(
      'ann',
      query,
      () => current,
      async () => ({ revision: read, body: { read } }),
    )()
  const decoded = ({ revision, body }: { revision: number; body: object }) => [
    revision,
    body instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(body)) : body,
  ]
  for (let times = 0; times < 2; times++) await page({ limit: 20 }, revision, 5)
  const found = page({ limit: 20 }, revision, 6)
  for (let times = 0; times < 2; times++) await page({ limit: 21 }, revision, 6)
  resolve(6)
  expect(decoded(await found)).toEqual([6, { read: 6 }])
  expect(decoded(await page({ limit: 21 }, revision, 7))).toEqual([6, { read: 6 }])
})

test('nothing is kept over a lost connection', async () => {
  const { list, loseConnection, reads, counts } = accounts()
  for (let times = 0; times < 3; times++) await list('ann', {})
  loseConnection()
  await list('ann', {})
  expect(reads).toHaveLength(3)
  loseConnection()
  await list('ben', {})
  expect(counts()).toMatchObject({ hits: 1, misses: 4 })
})

test('the pages of owners that were not used for longest go first, and the size stays within its limit', async () => {
  const { list, reads, counts } = accounts(4_000)
  const query = { q: 'x'.repeat(500) }
  for (const owner of ['ann', 'ann', 'ben', 'ben', 'ann', 'cid', 'cid', 'ann']) await list(owner, query)
  expect(counts().bytes).toBeLessThanOrEqual(4_000)
  expect(reads).toEqual(['ann', 'ann', 'ben', 'ben', 'cid', 'cid'])
  await list('ben', query)
  expect(reads.slice(6)).toEqual(['ben'])
})

test('a page that is larger than the limit is not kept', async () => {
  const { list, reads, counts } = accounts(1_000)
  for (let times = 0; times < 2; times++) await list('ann', { q: 'x'.repeat(2_000) })
  expect(reads).toHaveLength(2)
  expect(counts().bytes).toBe(0)
})

test('with a limit of 0 every page is read', async () => {
  const { list, reads, counts } = accounts(0)
  for (let times = 0; times < 2; times++) await list('ann', {})
  expect(reads).toHaveLength(2)
  expect(counts()).toEqual({ hits: 0, misses: 0, bytes: 0 })
})
