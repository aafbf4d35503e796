// The words after `npm run bench --`.
import { parseArgs } from 'node:util'
import { type Operation, operations } from './operations.ts'
import type { Plan } from './rounds.ts'
import { large, type Size, usual } from './seed.ts'
import { type TargetName, target, targets } from './target.ts'

export type Flags = { plan: Plan; size: Size; write: boolean }

/** Throws with a sentence where a word is wrong. */
export function readFlags(words: string[]): Flags {
  const { values } = parseArgs({
    args: words,
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      'warm-up': { type: 'string', default: '0.5' },
      operations: { type: 'string', default: Object.keys(operations).join() },
      targets: { type: 'string', default: usually.join() },
      connections: { type: 'string', default: '100' },
      people: { type: 'string', default: '1000' },
      pool: { type: 'string', default: '10' },
      large: { type: 'boolean', default: false },
      accounts: { type: 'string' },
      tasks: { type: 'string' },
      write: { type: 'boolean', default: false },
    },
  })
  const size = values.large ? large : usual
  const accounts = values.accounts === undefined ? size.accounts : number('accounts', values.accounts)
  const tasks = values.tasks === undefined ? size.tasks : number('tasks', values.tasks)
  const people = Math.min(accounts, number('people', values.people))
  return {
    plan: {
      rounds: number('rounds', values.rounds),
      seconds: number('seconds', values.seconds),
      warmUp: number('warm-up', values['warm-up']),
      operations: known<Operation>('operations', values.operations, Object.keys(operations)),
      targets: known<TargetName>('targets', values.targets, Object.keys(targets)),
      connections: number('connections', values.connections),
      people,
      poolSize: number('pool', values.pool),
    },
    size: { accounts, tasks },
    write: values.write,
  }
}

const usually = (Object.keys(targets) as TargetName[]).filter(name => !target(name).optional)

function number(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`)
  return value
}

function known<Name extends string>(flag: string, text: string, names: string[]): Name[] {
  const given = text.split(',')
  const strange = given.filter(name => !names.includes(name))
  if (strange.length > 0) throw new Error(`--${flag}: ${strange.join(', ')} is not one of ${names.join(', ')}`)
  return given as Name[]
}
