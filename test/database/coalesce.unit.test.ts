// Which callers share a statement, and which rows and errors each caller gets, without a database.
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createCoalescer, type Shareable } from '../../src/database/coalesce.ts'
import { createSharing } from '../../src/database/sharing.ts'

type Asked = { owner: string; rows?: number; fails?: string }
type Row = { owner: string }

/** A database that keeps every statement until it is released. */
function fakeDatabase() {
  const sent: { callers: Asked[]; shared: boolean }[] = []
  const release: (() => void)[] = []
  return {
    sent,
    releaseAll() {
      for (const each of release.splice(0)) each()
    },
    async send<R>(statement: () => Shareable): Promise<R[]> {
      await new Promise<void>(resolve => release.push(resolve))
      const { values, shared } = statement()
      const callers = values as Asked[]
      sent.push({ callers, shared })
      const code = callers.find(({ fails }) => fails !== undefined)?.fails
      if (code !== undefined) throw Object.assign(new Error('refused'), { severity: 'ERROR', code })
      return callers.map(({ owner }) => ({ owner })) as R[]
    },
  }
}

const statementOf = (callers: Asked[]) => ({ name: 'test', text: '', values: callers })
const forms = {
  single: (asked: Asked) => statementOf([asked]),
  shared: (several: Asked[]) => ({
    statement: statementOf(several),
    split: (rows: Row[]) => several.map(({ owner }) => rows.filter(row => row.owner === owner)),
  }),
  joins: ({ owner }: Asked, other: Asked) => owner !== other.owner,
  rows: ({ rows = 1 }: Asked) => rows,
}

async function run(callers: Asked[], options: Partial<typeof forms> = {}, sharing = createSharing(true)) {
  const database = fakeDatabase()
  const ask = createCoalescer<Asked, Row>({ send: database.send, sharing, steps: null, isAlone: () => false }, { ...forms, ...options })
  const answers = Promise.allSettled(callers.map(caller => ask(caller)))
  let done = false
  void answers.then(() => {
    done = true
  })
  while (!done) {
    await turn()
    database.releaseAll()
  }
  return { sent: database.sent, answers: await answers }
}

describe('createCoalescer', () => {
  test('one caller gets the statement for one', async () => {
    const { sent, answers } = await run([{ owner: 'ann' }])
    expect(sent).toEqual([{ callers: [{ owner: 'ann' }], shared: false }])
    expect(answers).toEqual([{ status: 'fulfilled', value: [{ owner: 'ann' }] }])
  })

  test('callers of one moment share statements of thirty-two at most, and each gets its own rows', async () => {
    const callers = Array.from({ length: 40 }, (_, i) => ({ owner: `owner${i}` }))
    const { sent, answers } = await run(callers)
    expect(sent.map(({ callers }) => callers.length)).toEqual([32, 8])
    expect(answers).toEqual(callers.map(({ owner }) => ({ status: 'fulfilled', value: [{ owner }] })))
  })

  test('callers of many rows share a statement up to 1,600 rows, and one of more goes alone', async () => {
    const callers = [600, 600, 400, 1, 2_000, 1].map((rows, i) => ({ owner: `owner${i}`, rows }))
    const { sent } = await run(callers)
    expect(sent.map(({ callers }) => callers.map(({ rows }) => rows))).toEqual([[600, 600, 400], [1], [2_000], [1]])
  })

  test('callers that must not share a statement get one each', async () => {
    const { sent } = await run([{ owner: 'ann' }, { owner: 'ann' }, { owner: 'bob' }])
    expect(sent.map(({ callers }) => callers.map(({ owner }) => owner))).toEqual([['ann'], ['ann', 'bob']])
  })

  test('callers join until a connection takes the statement', async () => {
    const database = fakeDatabase()
    const ask = createCoalescer<Asked, Row>({ send: database.send, sharing: createSharing(true), steps: null, isAlone: () => false }, forms)
    const first = ask({ owner: 'ann' })
    await turn()
    const second = ask({ owner: 'bob' })
    database.releaseAll()
    await Promise.all([first, second])
    expect(database.sent).toEqual([{ callers: [{ owner: 'ann' }, { owner: 'bob' }], shared: true }])
  })

  test('when PostgreSQL refuses a shared statement, its halves are sent, and only one caller gets the error', async () => {
    const { sent, answers } = await run([{ owner: 'ann' }, { owner: 'bob', fails: '23503' }, { owner: 'eve' }])
    expect(sent.map(({ callers }) => callers.length)).toEqual([3, 2, 1, 1, 1])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  test('a lost connection fails every caller, since the statement may have been carried out', async () => {
    const lost = new Error('no answer from the database')
    const ask = createCoalescer<Asked, Row>(
      { send: () => Promise.reject(lost), sharing: createSharing(true), steps: null, isAlone: () => false },
      forms,
    )
    const answers = await Promise.allSettled([ask({ owner: 'ann' }), ask({ owner: 'bob' })])
    expect(answers).toEqual([
      { status: 'rejected', reason: lost },
      { status: 'rejected', reason: lost },
    ])
    await expect(ask({ owner: 'eve' })).rejects.toBe(lost)
  })

  test('a caller without an answer in the shared rows goes alone', async () => {
    const shared = (several: Asked[]) => ({ ...forms.shared(several), split: () => several.map(() => undefined) as never })
    const { sent } = await run([{ owner: 'ann' }, { owner: 'bob' }], { shared })
    expect(sent.map(({ callers }) => callers.length)).toEqual([2, 1, 1])
  })

  test('without sharing every caller gets the statement for one', async () => {
    const { sent } = await run([{ owner: 'ann' }, { owner: 'bob' }, { owner: 'eve' }], {}, createSharing(false))
    expect(sent.map(({ callers }) => callers.length)).toEqual([1, 1, 1])
  })

  test('sharing stops when the database does not support a shared statement, and not for other errors', async () => {
    const stops: unknown[] = []
    const sharing = createSharing(true, error => stops.push(error))
    await run([{ owner: 'ann' }, { owner: 'bob', fails: '23503' }], {}, sharing)
    expect(sharing.isOn()).toBe(true)

    const crowd = Array.from({ length: 36 }, (_, i) => ({ owner: `owner${i}`, fails: '0A000' }))
    const { sent } = await run(crowd, {}, sharing)
    expect(sent.map(({ callers }) => callers.length)).toEqual([32, 4, ...Array(36).fill(1)])
    expect(sharing.isOn()).toBe(false)
    expect(sharing.refused()).toBe(2)
    expect(stops).toHaveLength(1)
    expect((await run([{ owner: 'ann' }, { owner: 'bob' }], {}, sharing)).sent.map(({ callers }) => callers.length)).toEqual([1, 1])
  })

  test('an outdated plan of a prepared statement does not stop sharing', async () => {
    const outdated = Object.assign(new Error('cached plan must not change result type'), {
      ...{ severity: 'ERROR', code: '0A000', routine: 'RevalidateCachedQuery' },
    })
    const sharing = createSharing(true)
    const ask = createCoalescer<Asked, Row>({ send: () => Promise.reject(outdated), sharing, steps: null, isAlone: () => false }, forms)
    await Promise.allSettled([ask({ owner: 'ann' }), ask({ owner: 'bob' })])
    expect(sharing.isOn()).toBe(true)
  })
})
