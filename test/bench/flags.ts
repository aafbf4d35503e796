// The flags of `npm run bench`.
import { parseArgs } from 'node:util'
import type { Plan } from './rounds.ts'
import { defaultSize, large, type Size } from './seed.ts'
import { type TargetName, target, targets } from './target.ts'
import { type Workload, workloads } from './workloads.ts'

export type Flags = { plan: Plan; size: Size; write: boolean }

/** Throws an error that names the invalid flag. */
export function readFlags(args: string[]): Flags {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      'warm-up': { type: 'string', default: '0.5' },
      workloads: { type: 'string', default: Object.keys(workloads).join() },
      targets: { type: 'string', default: defaultTargets.join() },
      connections: { type: 'string', default: '100' },
      users: { type: 'string', default: '1000' },
      pool: { type: 'string', default: '10' },
      large: { type: 'boolean', default: false },
      accounts: { type: 'string' },
      tasks: { type: 'string' },
      before: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  })
  const size = values.large ? large : defaultSize
  const accounts = values.accounts === undefined ? size.accounts : number('accounts', values.accounts)
  const tasks = values.tasks === undefined ? size.tasks : number('tasks', values.tasks)
  const users = Math.min(accounts, number('users', values.users))
  return {
    plan: {
      rounds: number('rounds', values.rounds),
      seconds: number('seconds', values.seconds),
      warmUp: number('warm-up', values['warm-up']),
      workloads: names<Workload>('workloads', values.workloads, Object.keys(workloads)),
      targets: [
        ...names<TargetName>('targets', values.targets, Object.keys(targets)),
        ...(values.before === undefined ? [] : (['before'] as const)),
      ],
      before: values.before,
      connections: number('connections', values.connections),
      users,
      poolSize: number('pool', values.pool),
    },
    size: { accounts, tasks },
    write: values.write,
  }
}

const defaultTargets = (Object.keys(targets) as TargetName[]).filter(name => !target(name).optional)

function number(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`)
  return value
}

function names<Name extends string>(flag: string, text: string, allowed: string[]): Name[] {
  const values = text.split(',')
  const unknown = values.filter(value => !allowed.includes(value))
  if (unknown.length > 0) throw new Error(`--${flag}: ${unknown.join(', ')} is not one of ${allowed.join(', ')}`)
  return values as Name[]
}
