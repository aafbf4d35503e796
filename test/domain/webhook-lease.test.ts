// The walk through the webhooks of all owners, for those who have a due one.
import { expect, type TestContext } from 'vitest'
import { parseDatabaseUrl } from '../../src/config/database-url.ts'
import { createDatabase } from '../../src/database/database.ts'
import { type Part, type Statement, statement } from '../../src/database/sql.ts'
import { createLeases } from '../../src/domain/webhook-lease.ts'
import { cases } from '../support/checks.ts'
import { planModes, planOf } from '../support/plan.ts'
import { type Service, test } from '../support/taskspec.ts'

const current = 7 // the revision of each account
type Webhook = { delivered?: number; disabled?: boolean; deleted?: boolean }

async function fill({ sql }: Service, webhooks: Record<string, Webhook[]>) {
  await sql`delete from users`
  for (const [owner, list] of Object.entries(webhooks)) {
    await sql`insert into users (id, revision, profile_revision) values (${owner}, ${current}, 1)`
    for (const { delivered = current, disabled = false, deleted = false } of list)
      await sql`
        insert into webhooks (owner_id, id, url, kinds, secret, delivered_revision, disabled_at, deleted_at, revision)
        values (${owner}, gen_random_uuid(), 'https://hooks.test/', '{task}', '', ${delivered},
          case when ${disabled} then now() end, case when ${deleted} then now() end, 1)`
  }
}

function connect({ databaseUrl }: Service, atEnd: TestContext['onTestFinished']) {
  const db = createDatabase({ url: parseDatabaseUrl(databaseUrl), poolSize: 1, timeoutFactor: 10 })
  atEnd(db.close)
  return createLeases(db)
}

/** The owners that each step of a walk finds. */
async function walk({ step }: ReturnType<typeof createLeases>, size: number): Promise<string[][]> {
  const found: string[][] = []
  for (let after: string | undefined; after !== ''; ) {
    const { owners, next } = await step(after ?? '', size)
    found.push(owners)
    after = next
  }
  return found
}

const due = { delivered: 1 }

test.for<[size: number, found: string[][]]>([
  [1, [['ann'], [], [], ['dan'], [], ['fay'], []]],
  [2, [['ann'], [], ['dan'], ['fay'], []]],
  [4, [['ann'], ['dan'], ['fay']]],
  [10, [['ann', 'dan', 'fay'], []]],
  [11, [['ann', 'dan', 'fay']]],
])('steps of %i webhooks find the owners of due ones, each once', async ([size, found], { service, onTestFinished }) => {
  await fill(service, {
    ann: [due, {}, due],
    bob: [{ ...due, disabled: true }, {}],
    cid: [{ ...due, deleted: true }],
    dan: [{}, due],
    eve: [{}],
    fay: [due],
  })
  expect(await walk(connect(service, onTestFinished), size)).toEqual(found)
})

test('a step without webhooks finds nothing, and the next one is the first', async ({ service, onTestFinished }) => {
  await fill(service, { ann: [due] })
  const { step } = connect(service, onTestFinished)
  expect(await step('ann', 10)).toEqual({ owners: [], next: '' })
})

test('which of these owners have a due webhook', async ({ service, onTestFinished }) => {
  await fill(service, { ann: [due, due], bob: [{}], cid: [due] })
  expect(await connect(service, onTestFinished).owners(['ann', 'bob', 'dan'])).toEqual(['ann'])
})

test.for(cases(planModes))('a step reads no more than its webhooks, with a %s plan', async (mode, { service }) => {
  const { sql } = service
  await fill(service, {})
  await sql`insert into users (id, revision, profile_revision) select lpad(n::text, 5, '0'), ${current}, 1 from generate_series(1, 20000) as n`
  await sql`
    insert into webhooks (owner_id, id, url, kinds, secret, delivered_revision, revision)
    select id, gen_random_uuid(), 'https://hooks.test/', '{task}', '', ${current}, 1 from users`
  await sql`analyze users, webhooks`
  const sent: Statement[] = []
  async function read(name: string, part: Part) {
    const each = statement(name, part)
    sent.push(each)
    return sql.unsafe(each.text, each.values as never[])
  }
  expect(await createLeases({ read, write: read } as never).step('10000', 500)).toEqual({ owners: [], next: '10500' })
  expect(sent).toHaveLength(2)
  for (const each of sent)
    for (const node of await planOf(sql, each, mode, 'analyze'))
      expect(
        (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
        JSON.stringify(node),
      ).toBeLessThanOrEqual(500)
})
