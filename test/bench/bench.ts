// `npm run bench`: compares this server with other servers. `-- --write` writes the report into test/bench/README.md.
import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { startCluster } from './cluster.ts'
import { readFlags } from './flags.ts'
import { addLeanTables } from './lean.ts'
import { plot } from './plot.ts'
import { conditions, markdown, ratio } from './report.ts'
import { measure, type Plan, type Result } from './rounds.ts'
import { target } from './target.ts'
import { hasWrk } from './wrk.ts'

const document = new URL('README.md', import.meta.url)
const artifacts = new URL('../../.artifacts/bench/', import.meta.url)
const markers = /(<!-- bench:begin -->\n).*(<!-- bench:end -->)/s

async function bench(words: string[]) {
  const { plan, size, write } = readFlags(words)
  const readme = await readFile(document, 'utf8')
  if (write && !markers.test(readme)) throw new Error('test/bench/README.md lacks the markers <!-- bench:begin --> and <!-- bench:end -->.')

  log(`seeding ${size.accounts} accounts with ${size.tasks} tasks each`)
  await using cluster = await startCluster()
  const database = await cluster.create('bench', size)
  if (plan.targets.some(name => target(name).lean)) await addLeanTables(database.sql)
  const result = await measure(plan, cluster, database, log)

  const where = `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}, PostgreSQL on the same machine`
  const data = `${size.accounts} accounts of ${size.tasks} tasks`
  const text = markdown(result, conditions(plan, where, data, (await hasWrk()) ? 'wrk' : 'autocannon'))
  const picture = chart(result, plan)
  await mkdir(artifacts, { recursive: true })
  await writeFile(new URL('report.json', artifacts), `${JSON.stringify({ plan, size, where, load: loadAverage(), ...result }, null, 2)}\n`)
  await writeFile(new URL('report.md', artifacts), `${text}\n`)
  await writeFile(new URL('report.svg', artifacts), picture)
  if (write) {
    await writeFile(new URL('report.svg', import.meta.url), picture)
    const image = '![Requests per second of each target, relative to bare](report.svg)'
    await writeFile(
      document,
      readme.replace(markers, (_, begin, end) => `${begin}${image}\n\n${text}\n${end}`),
    )
  }
  console.log(text)
}

/** Throughput relative to `bare`, or to the first target if `bare` was not measured. */
function chart(result: Result, plan: Plan) {
  const reference = plan.targets.includes('bare') ? 'bare' : (plan.targets[0] as 'ours')
  const whole = plan.targets.filter(name => target(name).workloads === undefined)
  const series = whole.map(name => ({
    name,
    values: plan.workloads.map(workload => ratio(result, 'perSecond', [name, workload], [reference, workload])),
  }))
  return plot(`Requests per second, ${reference} = 1`, plan.workloads, series)
}

const loadAverage = () => readFileSync('/proc/loadavg', 'utf8').trim()

function log(text: string) {
  process.stderr.write(`${text}\n`)
}

await bench(process.argv.slice(2))
