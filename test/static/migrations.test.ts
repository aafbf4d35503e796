// A migration runs while the server of the last release keeps serving, so it must not disturb that server.
// A statement that is not known to be harmless needs a comment with the reason why it is: `-- online: <reason>`.
import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'libpg-query'
import { describe, expect, test } from 'vitest'

const directory = new URL('../../db/migrations/', import.meta.url)
const first = '20261120000016' // the migrations up to here created the first schema, before the first release

type Node = { [key: string]: unknown }

/** The faults of a migration, as sentences. */
async function faults(file: string): Promise<string[]> {
  const [, options = '', up = ''] = /^-- migrate:up(.*)\n([\s\S]*?)^-- migrate:down/m.exec(file) ?? []
  if (!file.startsWith('-- migrate:up') || up.trim() === '') return ['has no up part or no down part']
  const { stmts } = (await parse(up)) as { stmts: { stmt: Node }[] }
  if (stmts.length !== 1) return ['has more than one statement: write one file for each']
  const [kind, node] = Object.entries(stmts[0]?.stmt ?? {})[0] as [string, Node]
  const concurrent = node.concurrent === true
  const either = kind === 'DoStmt' // a block may commit, or run in a transaction
  if (!either && concurrent !== options.includes('transaction:false'))
    return [`${concurrent ? 'needs' : 'must not have'} transaction:false`]
  const hasReason = /^-- online: \S/m.test(up)
  const risks = kind === 'AlterTableStmt' ? (node.cmds as { AlterTableCmd: Node }[]).flatMap(alterRisks) : statementRisks(kind, node)
  if (risks.length === 0 && hasReason) return ['needs no reason']
  return hasReason ? [] : risks
}

function statementRisks(kind: string, node: Node): string[] {
  if (kind === 'IndexStmt') return node.concurrent ? [] : ['locks the table while it creates the index: create index concurrently']
  if (kind === 'DropStmt' && node.removeType === 'OBJECT_INDEX')
    return node.concurrent ? [] : ['locks the table until no statement uses the index: drop index concurrently']
  if (['CreateStmt', 'CreateEnumStmt', 'CreateExtensionStmt', 'CommentStmt'].includes(kind)) return []
  if (kind === 'CreateFunctionStmt' && node.replace !== true) return []
  return [`${kind} is not known to be harmless`]
}

function alterRisks({ AlterTableCmd: { subtype, def, name } }: { AlterTableCmd: Node }): string[] {
  const definition = Object.values((def as Node) ?? {})[0] as Node | undefined
  if (subtype === 'AT_AddColumn') return addColumnRisks(definition as Node)
  if (subtype === 'AT_AddConstraint')
    return definition?.skip_validation === true || definition?.indexname !== undefined
      ? []
      : [
          `reads the whole table under a lock for ${definition?.conname}: add it not valid (or using an index), and validate it in the next file`,
        ]
  if (['AT_ValidateConstraint', 'AT_ColumnDefault', 'AT_SetStatistics', 'AT_SetRelOptions'].includes(subtype as string)) return []
  return [`${subtype} of ${name} is not known to be harmless`]
}

/** A new column may be nullable or have a constant default. Any other column writes or reads every row. */
function addColumnRisks({ colname, constraints = [] }: Node): string[] {
  const all = (constraints as { Constraint: Node }[]).map(({ Constraint }) => Constraint)
  const has = (kind: string) => all.find(({ contype }) => contype === kind)
  const value = has('CONSTR_DEFAULT')?.raw_expr as Node | undefined
  const constant = value !== undefined && ('A_Const' in value || 'A_Const' in ((value.TypeCast as { arg: Node } | undefined)?.arg ?? {}))
  const others = all.filter(({ contype }) => !['CONSTR_DEFAULT', 'CONSTR_NOTNULL', 'CONSTR_NULL'].includes(contype as string))
  return [
    ...(has('CONSTR_NOTNULL') && !constant
      ? [`adds ${colname}, not null without a constant default: the last release does not write it`]
      : []),
    ...(value !== undefined && !constant ? [`adds ${colname} with a default that is no constant: it writes every row`] : []),
    ...others.map(({ contype }) => `adds ${colname} with ${contype}: it reads or writes every row`),
  ]
}

const files = readdirSync(directory).filter(file => (file.split('_', 1)[0] as string) > first)

test('no migration disturbs a server that keeps serving', async () => {
  expect(files.length).toBeGreaterThan(2)
  for (const file of files) expect(await faults(readFileSync(new URL(file, directory), 'utf8')), file).toEqual([])
})

describe('the check', () => {
  const up = (text: string, options = '') => `-- migrate:up${options}\n${text};\n\n-- migrate:down\nselect;\n`

  test.each([
    ['alter table users add column a text'],
    ["alter table users add column a bigint not null default 0, add column b task_priority default 'none'::task_priority"],
    ['alter table users add constraint c check (a > 0) not valid'],
    ['alter table users add constraint c foreign key (a) references b (id) not valid'],
    ['alter table users validate constraint c'],
    ['alter table users add constraint c unique using index i'],
    ['alter table users alter column a set default 1'],
    ['create table a (id bigint primary key, b text unique)'],
    ["create type a as enum ('b')"],
    ['-- online: no release reads it since 0.3.0\nalter table users drop column a'],
  ])('accepts: %s', async text => {
    expect(await faults(up(text))).toEqual([])
  })
  test('accepts a block that commits, if it has a reason', async () => {
    const text = '-- online: a row at a time\ndo $$ begin commit; end $$'
    expect(await faults(up(text, ' transaction:false'))).toEqual([])
    expect((await faults(up('alter table users add column a text', ' transaction:false'))).join()).toContain('must not have')
  })
  test.each([['create index concurrently i on tasks (a)'], ['drop index concurrently i']])('accepts: %s', async text => {
    expect(await faults(up(text, ' transaction:false'))).toEqual([])
    expect(await faults(up(text))).toEqual(['needs transaction:false'])
  })

  test.each([
    ['drop table a', 'DropStmt'],
    ['alter table users drop column a', 'AT_DropColumn'],
    ['alter table users rename column a to b', 'RenameStmt'],
    ['alter table users rename to accounts', 'RenameStmt'],
    ['alter table users alter column a type bigint', 'AT_AlterColumnType'],
    ['alter table users alter column a set not null', 'AT_SetNotNull'],
    ['alter table users alter column a drop not null', 'AT_DropNotNull'],
    ['alter table users add column a text not null', 'the last release does not write it'],
    ['alter table users add column a uuid default gen_random_uuid()', 'writes every row'],
    ['alter table users add column a text, add column b text unique', 'CONSTR_UNIQUE'],
    ['alter table users add column a int generated always as (1) stored', 'CONSTR_GENERATED'],
    ['alter table users add column a text references b (id)', 'CONSTR_FOREIGN'],
    ['alter table users add constraint c check (a > 0)', 'under a lock for c'],
    ['alter table users add constraint c unique (a)', 'under a lock for c'],
    ['create index i on tasks (a)', 'create index concurrently'],
    ['create unique index i on tasks (a)', 'create index concurrently'],
    ['drop index i', 'drop index concurrently'],
    ["alter type task_priority add value 'urgent'", 'AlterEnumStmt'],
    ['create or replace function labels_fit() returns int language sql return 1', 'CreateFunctionStmt'],
    ['update users set a = 1', 'UpdateStmt'],
    ['delete from tasks', 'DeleteStmt'],
    ['do $$ begin update users set a = 1; end $$', 'DoStmt'],
    ['truncate tasks', 'TruncateStmt'],
    ['create table a (); create table b ()', 'more than one statement'],
    ['-- online: needless\nalter table users add column a text', 'needs no reason'],
  ])('refuses: %s', async (text, fault) => {
    expect((await faults(up(text))).join()).toContain(fault)
  })

  test('refuses a migration without a down part', async () => {
    expect(await faults('-- migrate:up\ncreate table a ();\n')).toEqual(['has no up part or no down part'])
  })
})
