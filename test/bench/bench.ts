// `npm run bench`: this server beside the limit and beside its peers. `-- --write` puts the outcome into the README.
import { readFileSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { startCluster } from './cluster.ts'
import { readFlags } from './flags.ts'
import { operations } from './operations.ts'
import { plot } from './plot.ts'
import { described, markdown, ratio } from './report.ts'
import { measure, type Plan, type Result } from './rounds.ts'
import { target } from './target.ts'
import { hasWrk } from './wrk.ts'

const root = new URL('../../', import.meta.url)
const artifacts = new URL('.artifacts/bench/', root)
const markers = /(<!-- bench:begin -->\n).*(<!-- bench:end -->)/s

async function bench(words: string[]) {
  const { plan, size, write } = readFlags(words)
  const readme = await readFile(new URL('README.md', root), 'utf8')
  if (write && !markers.test(readme)) throw new Error('README.md has no <!-- bench:begin --> and <!-- bench:end --> to write between.')

  tell(`seeding ${size.accounts} accounts with ${size.tasks} tasks each`)
  await using cluster = await startCluster()
  const database = await cluster.create('bench', size)
  const result = await measure(plan, cluster, database, tell)

  const where = `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Node ${process.versions.node}, PostgreSQL on the same machine`
  const what = `${size.accounts} accounts of ${size.tasks} tasks`
  const text = markdown(result, described(plan, where, what, (await hasWrk()) ? 'wrk' : 'autocannon'))
  const picture = drawn(result, plan)
  await mkdir(artifacts, { recursive: true })
  await writeFile(new URL('report.json', artifacts), `${JSON.stringify({ plan, size, where, load: loadAverage(), ...result }, null, 2)}\n`)
  await writeFile(new URL('report.md', artifacts), `${text}\n`)
  await writeFile(new URL('report.svg', artifacts), picture)
  if (write) {
    await writeFile(new URL('report.svg', import.meta.url), picture)
    const image = '![Requests per second of each server as a share of the bare one](test/bench/report.svg)'
    await writeFile(
      new URL('README.md', root),
      readme.replace(markers, (_, begin, end) => `${begin}${image}\n\n${text}\n${end}`),
    )
  }
  console.log(text)
}

/** Everything as a share of the limit, or of the first target where the limit wasn't asked. */
function drawn(result: Result, plan: Plan) {
  const reference = plan.targets.includes('bare') ? 'bare' : (plan.targets[0] as 'ours')
  const whole = plan.targets.filter(name => target(name).operations === undefined)
  const series = whole.map(name => ({
    name,
    values: plan.operations.map(operation => ratio(result, 'perSecond', [name, operation], [reference, operation])),
  }))
  const labels = plan.operations.map(operation => `${operation} ${operations[operation].title}`)
  return plot(`Requests per second, ${reference} = 1`, labels, series)
}

const loadAverage = () => readFileSync('/proc/loadavg', 'utf8').trim()

function tell(text: string) {
  process.stderr.write(`${text}\n`)
}

await bench(process.argv.slice(2))
