// Carries out a run. Each round starts every target again. For each workload the targets take turns, each time in a different order.
import type { Cluster, Seeded } from './cluster.ts'
import type { Measure } from './load.ts'
import { createLoader } from './loader.ts'
import { poolerFor } from './pooler.ts'
import { peakMemory } from './process.ts'
import { type Running, start, type TargetName, target } from './target.ts'
import { eddsa, hs256, loadUsers, refreshUsers, type User } from './users.ts'
import { requests, type Workload, workloads } from './workloads.ts'

export type Sample = Measure & { round: number; workload: Workload; target: TargetName }
/** `coldStart` in ms, `memory` in bytes. */
export type Life = { round: number; target: TargetName; coldStart: number; memory: number }
export type Result = { samples: Sample[]; lives: Life[] }

export type Plan = {
  rounds: number
  seconds: number
  /** seconds of load before each measurement; a new process gets this load twice */
  warmUp: number
  workloads: Workload[]
  targets: TargetName[]
  connections: number
  /** accounts that send requests */
  users: number
  poolSize: number
  /** the folder of another checkout, which is measured as the target `before` */
  before: string | undefined
}

/** Carries out the plan and logs each step. Rejects at the first incorrect reply. */
export async function measure(plan: Plan, cluster: Cluster, { url, sql, tidy }: Seeded, log: (text: string) => void): Promise<Result> {
  using provider = await eddsa()
  using load = createLoader()
  await using pooler = await poolerFor(plan.targets, url)
  const usersOf = {
    HS256: await loadUsers(sql, hs256, { count: plan.users }),
    EdDSA: await loadUsers(sql, provider, { count: plan.users }),
  }
  const result: Result = { samples: [], lives: [] }

  for (let round = 0; round < plan.rounds; round++) {
    const running: Running[] = []
    for (const name of rotated(plan.targets, round)) {
      const [{ token }] = usersFor(name) as [User]
      const databaseUrl = target(name).pooled ? pooler.url : url
      running.push(await start(name, { databaseUrl, poolSize: plan.poolSize, jwksUrl: provider.jwksUrl, token, before: plan.before }))
    }
    for (const each of running) {
      log(`round ${round + 1}: ${each.name} warms up`)
      await run(each, 'mix', plan.warmUp, plan.warmUp)
    }
    await tidy()

    for (const [index, workload] of plan.workloads.entries()) {
      for (const each of rotated(running, index)) {
        if (!(await has(each, workload))) continue
        const measure = await run(each, workload, plan.warmUp, plan.seconds)
        log(`round ${round + 1}: ${workload} ${each.name} ${Math.round(measure.perSecond)}/s`)
        result.samples.push({ round, workload, target: each.name, ...measure })
        if (workloads[workload].writes) await tidy()
      }
    }
    for (const { name, pid, coldStart, stop } of running) {
      result.lives.push({ round, target: name, coldStart, memory: peakMemory(pid) })
      await stop()
    }
  }
  return result

  function usersFor(name: TargetName) {
    return usersOf[target(name).algorithm ?? 'HS256']
  }

  /** Whether a target is to be measured with a workload. An earlier release of this server replies 404 if it lacks the operation. */
  async function has({ name, url }: Running, workload: Workload): Promise<boolean> {
    const { file, workloads: own } = target(name)
    const { ours = false, request } = workloads[workload]
    if (own !== undefined) return own.includes(workload)
    if (!ours) return true
    if (!file.endsWith('src/main.ts')) return false
    const { method, path, headers, body = null } = request(usersFor(name)[0] as User, 0)
    return (await fetch(url + path, { method, headers, body })).status !== 404
  }

  async function run({ name, url, pid, truncateLog }: Running, workload: Workload, warmUp: number, seconds: number) {
    const current = await refreshUsers(sql, usersFor(name), target(name).lean ? 'lean' : 'public')
    const job = { statuses: workloads[workload].statuses, warmUp, seconds, server: pid, postgres: cluster.pid }
    const measure = await load.run({ ...job, url, requests: requests(workload, current, plan.connections) })
    truncateLog()
    return measure
  }
}

function rotated<Item>(items: Item[], by: number): Item[] {
  const from = by % items.length
  return [...items.slice(from), ...items.slice(0, from)]
}
