// PgBouncer for the targets that are behind it.
import { startPgBouncer } from '../support/pgbouncer.ts'
import { find } from '../support/programs.ts'
import { type TargetName, target } from './target.ts'

/** Starts PgBouncer if one of the targets needs it. `url` is the one of the database without. */
export async function poolerFor(targets: TargetName[], url: string): Promise<AsyncDisposable & { url: string }> {
  if (!targets.some(name => target(name).pooled)) return { url, async [Symbol.asyncDispose]() {} }
  const program = await find('pgbouncer')
  if (program === null) throw new Error('Install PgBouncer to measure a target behind it, or leave the target out.')
  const pooler = await startPgBouncer(program, url)
  return { url: pooler.url, [Symbol.asyncDispose]: pooler.end }
}
