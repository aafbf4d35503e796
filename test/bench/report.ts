// What a run says: medians over the rounds, and ratios that are taken within a round before their median is.
import { type Operation, operations } from './operations.ts'
import type { Plan, Result, Sample } from './rounds.ts'
import { type TargetName, targets } from './target.ts'

type Quantity = Exclude<keyof Sample, 'round' | 'operation' | 'target'>

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

export function medianOf({ samples }: Result, target: TargetName, operation: Operation, quantity: Quantity): number | undefined {
  const values = samples.filter(each => each.target === target && each.operation === operation).map(each => each[quantity])
  return values.length === 0 ? undefined : median(values)
}

/** How many times as much of something one target has as another, or one operation as another. */
export function ratio(
  { samples }: Result,
  quantity: Quantity,
  of: [TargetName, Operation],
  to: [TargetName, Operation],
): number | undefined {
  const find = (round: number, [target, operation]: [TargetName, Operation]) =>
    samples.find(each => each.round === round && each.target === target && each.operation === operation)?.[quantity]
  const rounds = [...new Set(samples.map(({ round }) => round))]
  const ratios = rounds.flatMap(round => {
    const [over, under] = [find(round, of), find(round, to)]
    return over === undefined || under === undefined ? [] : [over / under]
  })
  return ratios.length === 0 ? undefined : median(ratios)
}

export function markdown(result: Result, circumstances: string): string {
  const seen = [...new Set(result.samples.map(({ operation }) => operation))]
  const names = [...new Set(result.samples.map(({ target }) => target))].sort((a, b) => order.indexOf(a) - order.indexOf(b))
  const others = names.filter(name => name !== 'ours')
  const heads = seen.map(operation => `${operation} ${operations[operation].title}`)
  const against = (quantity: Quantity, title: string, rivals: TargetName[]) => {
    const rows = rivals.map(name => [
      `${title} ours / ${name}`,
      ...seen.map(operation => times(ratio(result, quantity, ['ours', operation], [name, operation]))),
    ])
    return rows.filter(([, ...cells]) => cells.some(cell => cell !== ''))
  }
  const parts = [circumstances]
  if (names.includes('ours') && others.length > 0) {
    const rows = [
      ...against('perSecond', 'requests/s', others),
      ...against('p95', 'p95', ['bare']),
      ...against('serverCpu', 'server CPU', ['bare']),
    ]
    const saved = times(ratio(result, 'perSecond', ['ours', 'G'], ['ours', 'A']))
    parts.push(table(['ratio', ...heads], rows), ...(saved === '' ? [] : [`Requests/s of ours, G / A: ${saved}.`]))
  }
  parts.push(
    table(['requests/s', ...heads], perTarget('perSecond', 0)),
    table(
      ['ms: p50 / p95 / p99', ...heads],
      names.map(name => [name, ...seen.map(operation => triple(name, operation))]),
    ),
    table(['server CPU, µs a request', ...heads], perTarget('serverCpu', 0)),
    table(['PostgreSQL CPU, µs a request', ...heads], perTarget('postgresCpu', 0)),
    table(['process', 'what it is', 'first 200 after, ms', 'peak memory, MiB'], names.map(life)),
  )
  return parts.join('\n\n')

  function perTarget(quantity: Quantity, digits: number) {
    return names.map(name => [name, ...seen.map(operation => number(medianOf(result, name, operation, quantity), digits))])
  }

  function triple(name: TargetName, operation: Operation) {
    const all = (['p50', 'p95', 'p99'] as const).map(each => number(medianOf(result, name, operation, each), 1))
    return all[0] === '' ? '' : all.join(' / ')
  }

  function life(name: TargetName) {
    const own = result.lives.filter(({ target }) => target === name)
    const most = Math.max(...own.map(({ memory }) => memory))
    return [name, targets[name].title, number(median(own.map(({ coldStart }) => coldStart)), 0), number(most / 2 ** 20, 0)]
  }
}

const order = Object.keys(targets)
const number = (value: number | undefined, digits: number) => (value === undefined ? '' : value.toFixed(digits))
const times = (value: number | undefined) => (value === undefined ? '' : value.toFixed(2))

export function table(heads: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

/** In words: on what, how much and how long. */
export function described(plan: Plan, machine: string, database: string, load: string): string {
  return (
    `Medians of ${plan.rounds} rounds, ${plan.seconds} s for each cell, ${plan.connections} connections of ${plan.people} people, ` +
    `${plan.poolSize} database connections, one server process; ${database}; ${machine}; load from ${load}.`
  )
}
