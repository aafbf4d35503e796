// The plan of a run: in each round every target is started anew, and within each operation they take turns in another order.
import type { Cluster, Seeded } from './cluster.ts'
import type { Measure } from './load.ts'
import { loader } from './loader.ts'
import { type Operation, operations, requests } from './operations.ts'
import { eddsa, hs256, type Person, people, refreshed } from './people.ts'
import { peakMemory } from './process.ts'
import { type Running, start, type TargetName, target } from './target.ts'

export type Sample = Measure & { round: number; operation: Operation; target: TargetName }
/** `coldStart` in ms, `memory` in bytes. */
export type Life = { round: number; target: TargetName; coldStart: number; memory: number }
export type Result = { samples: Sample[]; lives: Life[] }

export type Plan = {
  rounds: number
  seconds: number
  /** before each measurement, and twice as long after each start */
  warmUp: number
  operations: Operation[]
  targets: TargetName[]
  connections: number
  /** accounts in play */
  people: number
  poolSize: number
}

/** Carries out the plan; `tell` hears of each step. Rejects with the first reply that is wrong. */
export async function measure(plan: Plan, cluster: Cluster, { url, sql, tidy }: Seeded, tell: (text: string) => void): Promise<Result> {
  using provider = await eddsa()
  using load = loader()
  const crowd = {
    HS256: await people(sql, hs256, { count: plan.people }),
    EdDSA: await people(sql, provider, { count: plan.people }),
  }
  const result: Result = { samples: [], lives: [] }

  for (let round = 0; round < plan.rounds; round++) {
    const running: Running[] = []
    for (const name of rotated(plan.targets, round)) {
      const [{ token }] = crowdOf(name) as [Person]
      running.push(await start(name, { databaseUrl: url, poolSize: plan.poolSize, jwksUrl: provider.jwksUrl, token }))
    }
    for (const each of running) {
      tell(`round ${round + 1}: ${each.name} warms up`)
      await run(each, 'E', plan.warmUp, plan.warmUp)
    }
    await tidy()

    for (const [index, operation] of plan.operations.entries()) {
      for (const each of rotated(running, index)) {
        if (!(target(each.name).operations ?? plan.operations).includes(operation)) continue
        const measure = await run(each, operation, plan.warmUp, plan.seconds)
        tell(`round ${round + 1}: ${operation} ${each.name} ${Math.round(measure.perSecond)}/s`)
        result.samples.push({ round, operation, target: each.name, ...measure })
        if (operations[operation].writes) await tidy()
      }
    }
    for (const { name, pid, coldStart, stop } of running) {
      result.lives.push({ round, target: name, coldStart, memory: peakMemory(pid) })
      await stop()
    }
  }
  return result

  function crowdOf(name: TargetName) {
    return crowd[target(name).algorithm ?? 'HS256']
  }

  async function run({ name, url, pid, forget }: Running, operation: Operation, warmUp: number, seconds: number) {
    const current = await refreshed(sql, crowdOf(name))
    const job = { statuses: operations[operation].statuses, warmUp, seconds, server: pid, postgres: cluster.pid }
    const measure = await load.run({ ...job, url, requests: requests(operation, current, plan.connections) })
    forget()
    return measure
  }
}

function rotated<Item>(items: Item[], by: number): Item[] {
  const from = by % items.length
  return [...items.slice(from), ...items.slice(0, from)]
}
