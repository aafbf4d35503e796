// The statements on labels: how they find their rows, and that they keep the rules for statements.
import postgres from 'postgres'
import { expect } from 'vitest'
import type { Database } from '../../src/database/database.ts'
import { type Part, type Statement, statement } from '../../src/database/sql.ts'
import { createLabels } from '../../src/domain/labels.ts'
import { cases } from '../support/checks.ts'
import { createCitusAudit } from '../support/citus-audit.ts'
import { createStatementAudit } from '../support/statement-audit.ts'
import { test } from '../support/taskspec.ts'

const any = { match: null, except: null }
const check = async () => {}

/** Every statement of the labels of ann, by its name. */
async function statements(): Promise<Statement[]> {
  const sent: Statement[] = []
  const send: Database['write'] = async <Row extends object>(name: string, text: Part) => {
    sent.push(statement(name, text))
    return [{ id: 'x' }] as unknown as Row[]
  }
  const labels = createLabels({ read: send, write: send, lookup: () => () => async () => [] } as unknown as Database)
  await labels.list('ann', { limit: 50 })
  await labels.list('ann', { limit: 50, cursor: Buffer.from('["label",null,"a"]').toString('base64url') })
  await labels.one('ann', 'home')
  await labels.rename('ann', 'home', 'house', any, check)
  await labels.remove('ann', 'home', { match: [1], except: [2] }, check)
  return sent
}

test('each statement binds the owner and excludes tombstones, and Citus accepts it', async ({ service, onTestFinished }) => {
  const sql = postgres(service.databaseUrl, { max: 1, onnotice: () => {} })
  onTestFinished(() => sql.end())
  const citus = await createCitusAudit(sql)
  const audit = createStatementAudit({ owners: { users: 'id', tasks: 'owner_id' }, tombstones: ['tasks'] })
  for (const { name, text } of cases(await statements())) expect([name, await audit(text), await citus(text)]).toEqual([name, [], []])
})

test('each statement finds the tasks of a large account by an index', async ({ service: { sql } }) => {
  await sql`insert into users (id, revision, profile_revision) select owner, 1, 1 from unnest('{ann,bob,eve}'::text[]) as owner`
  await sql`
    insert into tasks (owner_id, id, title, priority, labels, revision)
    select case when number <= 4000 then 'ann' when number <= 20000 then 'bob' else 'eve' end, gen_random_uuid(), 'Task', 'none',
      case when number % 20 = 0 then '{x,Home}'::text[] else '{x}'::text[] end, 1
    from generate_series(1, 40000) as number`
  await sql`analyze tasks, users`
  for (const { name, text, values } of cases(await statements())) {
    const rows = await sql.unsafe(`explain (costs off) ${text}`, values as never)
    const plan = rows.map(row => row['QUERY PLAN']).join('\n')
    expect(plan, name).not.toContain('Seq Scan on tasks')
    expect(plan, name).toMatch(/Index Cond: \(\(?owner_id = /)
  }
})
