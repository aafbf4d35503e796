// The report of a run: medians over the rounds. A ratio is computed within each round; the report has the median of these ratios.

import type { Plan, Result, Sample } from './rounds.ts'
import { type TargetName, targets } from './target.ts'
import type { Workload } from './workloads.ts'

type Quantity = Exclude<keyof Sample, 'round' | 'workload' | 'target'>

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

export function medianOf({ samples }: Result, target: TargetName, workload: Workload, quantity: Quantity): number | undefined {
  const values = samples.filter(each => each.target === target && each.workload === workload).map(each => each[quantity])
  return values.length === 0 ? undefined : median(values)
}

/** The ratio of a quantity between two targets, or between two workloads. */
export function ratio({ samples }: Result, quantity: Quantity, of: [TargetName, Workload], to: [TargetName, Workload]): number | undefined {
  const find = (round: number, [target, workload]: [TargetName, Workload]) =>
    samples.find(each => each.round === round && each.target === target && each.workload === workload)?.[quantity]
  const rounds = [...new Set(samples.map(({ round }) => round))]
  const ratios = rounds.flatMap(round => {
    const [over, under] = [find(round, of), find(round, to)]
    return over === undefined || under === undefined ? [] : [over / under]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

export function markdown(result: Result, introduction: string): string {
  const seen = [...new Set(result.samples.map(({ workload }) => workload))]
  const names = [...new Set(result.samples.map(({ target }) => target))].sort((a, b) => order.indexOf(a) - order.indexOf(b))
  const others = names.filter(name => name !== 'ours')
  const against = (quantity: Quantity, title: string, rivals: TargetName[]) => {
    const rows = rivals.map(name => [
      `${title} ours / ${name}`,
      ...seen.map(workload => times(ratio(result, quantity, ['ours', workload], [name, workload]))),
    ])
    return rows.filter(([, ...cells]) => cells.some(cell => cell !== ''))
  }
  const parts = [introduction]
  if (names.includes('ours') && others.length > 0) {
    const rows = [
      ...against('perSecond', 'requests/s', others),
      ...against('p95', 'p95', ['bare']),
      ...against('serverCpu', 'server CPU', ['bare', 'before']),
      ...against('postgresCpu', 'PostgreSQL CPU', ['bare', 'bare-lean', 'before']),
    ]
    const unchanged = times(ratio(result, 'perSecond', ['ours', 'unchanged'], ['ours', 'list']))
    parts.push(table(['ratio', ...seen], rows), ...(unchanged === '' ? [] : [`Requests/s of ours, unchanged / list: ${unchanged}.`]))
  }
  parts.push(
    table(['requests/s', ...seen], perTarget('perSecond', 0)),
    table(
      ['ms: p50 / p95 / p99', ...seen],
      names.map(name => [name, ...seen.map(workload => triple(name, workload))]),
    ),
    table(['server CPU, µs per request', ...seen], perTarget('serverCpu', 0)),
    table(['PostgreSQL CPU, µs per request', ...seen], perTarget('postgresCpu', 0)),
    table(['process', 'description', 'first 200 after, ms', 'peak memory, MiB'], names.map(life)),
  )
  return parts.join('\n\n')

  function perTarget(quantity: Quantity, digits: number) {
    return names.map(name => [name, ...seen.map(workload => number(medianOf(result, name, workload, quantity), digits))])
  }

  function triple(name: TargetName, workload: Workload) {
    const all = (['p50', 'p95', 'p99'] as const).map(each => number(medianOf(result, name, workload, each), 1))
    return all[0] === '' ? '' : all.join(' / ')
  }

  function life(name: TargetName) {
    const own = result.lives.filter(({ target }) => target === name)
    const peak = Math.max(...own.map(({ memory }) => memory))
    return [name, targets[name].title, number(median(own.map(({ coldStart }) => coldStart)), 0), number(peak / 2 ** 20, 0)]
  }
}

const order = Object.keys(targets)
const number = (value: number | undefined, digits: number) => (value === undefined ? '' : value.toFixed(digits))
const times = (value: number | undefined) => (value === undefined ? '' : value.toFixed(2))

export function table(heads: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

/** One sentence about the conditions of the run. */
export function conditions(plan: Plan, machine: string, database: string, load: string): string {
  return (
    `Medians of ${plan.rounds} rounds, ${plan.seconds} s for each cell, ${plan.connections} connections of ${plan.users} users, ` +
    `${plan.poolSize} database connections, one server process; ${database}; ${machine}; load from ${load}.`
  )
}
