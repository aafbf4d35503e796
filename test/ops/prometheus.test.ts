// Compares the alert rules and the dashboard with the real /metrics of the server.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parser } from '@prometheus-io/lezer-promql'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { beforeAll, describe, expect } from 'vitest'
import { parse } from 'yaml'
import { cases, needs } from '../support/checks.ts'
import { client } from '../support/client.ts'
import { eventually } from '../support/clock.ts'
import { nodeEnvironment } from '../support/environment.ts'
import { operations } from '../support/spec.ts'
import { auth, start, test, tokenOf } from '../support/taskspec.ts'
import { dashboard as dashboardSchema, rules as rulesSchema } from './schemas.ts'

type Rule = { alert: string; expr: string; annotations: { summary: string } }
type Panel = { title: string; gridPos: Record<'x' | 'y' | 'w' | 'h', number>; targets: { expr: string; legendFormat: string }[] }

const ops = new URL('../../src/ops/', import.meta.url)
const text = (file: string) => readFileSync(new URL(file, ops), 'utf8')
const alerts: { groups: { rules: Rule[] }[] } = parse(text('alerts.yaml'))
const dashboard: { panels: Panel[]; templating: { list: { name: string }[] } } = JSON.parse(text('dashboard.json'))
const rules = alerts.groups.flatMap(group => group.rules)

// Grafana puts its variables in before Prometheus sees the expression.
const filled = (expr: string) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*')
const expressions = [
  ...rules.map(({ alert, expr, annotations }) => ({ name: alert, expr, shown: annotations.summary.match(/(?<=\$labels\.)\w+/g) ?? [] })),
  ...dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr, legendFormat }) => ({
      name: title,
      expr: filled(expr),
      shown: legendFormat.match(/(?<=\{\{)\w+(?=\}\})/g) ?? [],
    })),
  ),
]

const statuses = operations.flatMap(({ responses }) => Object.keys(responses))
const ofPrometheus = ['job', 'instance'] // labels that it adds itself
type Metric = { type: string; labels: Set<string> }
const metrics = new Map<string, Metric>([['up', { type: 'gauge', labels: new Set() }]])

/** Records the metrics of a page of /metrics: the type of each, and the labels of its series. */
function note(page: string) {
  const types = new Map(Array.from(page.matchAll(/^# TYPE (\w+) (\w+)$/gm), ([, name, type]) => [name as string, type as string]))
  for (const [, name = '', labels = ''] of page.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const type = types.get(name) ?? types.get(name.replace(/_(bucket|sum|count)$/, '')) ?? 'none'
    const metric = metrics.get(name) ?? { type: /_(bucket|sum|count)$/.test(name) ? 'counter' : type, labels: new Set<string>() }
    for (const [, label] of labels.matchAll(/(\w+)="/g)) metric.labels.add(label as string)
    metrics.set(name, metric)
  }
}

describe('alerts and dashboard', () => {
  test('have the form that Prometheus and Grafana read', () => {
    const ajv = new Ajv2020({ allErrors: true })
    for (const [schema, value] of [
      [rulesSchema, alerts],
      [dashboardSchema, dashboard],
    ] as const) {
      const check = ajv.compile(schema)
      check(value)
      expect(check.errors ?? []).toEqual([])
    }
    const unique = (names: unknown[]) => expect(names).toEqual([...new Set(names)])
    unique(rules.map(({ alert }) => alert))
    unique(dashboard.panels.map(({ title }) => title))
  })

  test('have panels that lie beside each other', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    )
    expect(cells.length).toBe(new Set(cells).size)
    expect(Math.max(...cells.map(cell => Number.parseInt(cell, 10)))).toBeLessThan(24)
  })

  test('have instructions for each alert', () => {
    const headings = Array.from(text('alerts.md').matchAll(/^### (Taskspec\w+)\n\n\S/gm), ([, name]) => name)
    expect(headings).toEqual(rules.map(({ alert }) => alert))
  })
})

describe('an expression', () => {
  beforeAll(() => expect(expressions.length).toBeGreaterThan(30))

  test('is refused by the parser when it is broken', () => {
    for (const broken of ['rate(x[5m]', 'rate(x[5x])', 'sum by (rate(x[5m]))', 'x{a=1}', 'nonsense(x)'])
      expect(errors(broken), broken).not.toEqual([])
  })

  test.for(cases(expressions))('of $name is PromQL: $expr', ({ expr }) => {
    expect(errors(expr)).toEqual([])
  })

  test('uses only metrics and labels that the server exposes', async ({ service, onTestFinished }) => {
    const limits = { perMinute: 1, shared: false }
    const { url, metricsUrl, stop } = await start({ webhooks: {}, databaseUrl: service.databaseUrl, metricsPort: 0, limits })
    onTestFinished(stop)
    const ann = client(url, await tokenOf('ann'))
    await ann.listTasks()
    await ann.listTasks({}, 429)
    const page = async (from: string) => (await fetch(from)).text()
    // Collecting garbage is seen when there was some.
    await eventually(async () => {
      expect(Array.from({ length: 1_000_000 }, (_, index) => ({ index }))).toHaveLength(1_000_000)
      note(await page(metricsUrl as string))
      expect([...metrics.keys()]).toContain('nodejs_gc_duration_seconds_sum')
    })
    note(await page(await workers(service.databaseUrl, onTestFinished)))

    for (const { name, expr, shown } of expressions) {
      const { selected, kept } = read(expr)
      expect(selected.length, name).toBeGreaterThan(0)
      for (const { metric, matchers, within } of selected) {
        const definition = metrics.get(metric)
        expect(definition, `${name}: the server has no ${metric}`).toBeDefined()
        for (const { label, value } of matchers) {
          expect([...(definition as Metric).labels, ...ofPrometheus], `${name}: ${metric}`).toContain(label)
          if (label === 'operation')
            for (const each of value.split('|')) expect(operations.map(({ operationId }) => operationId)).toContain(each)
          if (label === 'status') expect(statuses.some(status => new RegExp(`^(${value})$`).test(status))).toBe(true)
        }
        for (const label of within.labels)
          expect([...(definition as Metric).labels, ...ofPrometheus], `${name}: ${metric}`).toContain(label)
        // A counter starts anew with its process, so only how it grows means something; of a gauge that would mean nothing.
        expect(
          within.functions.some(each => ['rate', 'increase'].includes(each)),
          `${name}: ${metric}`,
        ).toBe((definition as Metric).type === 'counter')
      }
      const labels = kept ?? selected.flatMap(({ metric }) => [...(metrics.get(metric) as Metric).labels, ...ofPrometheus])
      for (const label of shown) expect(labels, name).toContain(label)
    }
  })
})

const promtool = spawnSync('promtool', ['--version']).error === undefined
const byPromtool = needs(promtool, 'promtool (from Prometheus) on the PATH')

describe('promtool', () => {
  test('accepts the rules', byPromtool, () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', fileURLToPath(new URL('alerts.yaml', ops))])
    expect(status, `${stdout}${stderr}`).toBe(0)
  })

  test('sees each alert when it should be there, and not before', byPromtool, () => {
    const file = fileURLToPath(new URL('alerts.promtool.yaml', import.meta.url))
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file])
    expect(status, `${stdout}${stderr}`).toBe(0)
  })

  test('has cases for every alert', () => {
    const asked: { tests: { alert_rule_test: { alertname: string; exp_alerts?: object[] }[] }[] } = parse(
      readFileSync(new URL('alerts.promtool.yaml', import.meta.url), 'utf8'),
    )
    const cases = asked.tests.flatMap(each => each.alert_rule_test)
    for (const there of [true, false])
      expect(new Set(cases.filter(({ exp_alerts = [] }) => exp_alerts.length > 0 === there).map(each => each.alertname))).toEqual(
        new Set(rules.map(({ alert }) => alert)),
      )
  })
})

function errors(expr: string): string[] {
  const wrong: string[] = []
  parser.parse(expr).iterate({
    enter({ type, from }) {
      if (type.isError) wrong.push(`at ${from}: ${expr.slice(from, from + 20)}`)
    },
  })
  return wrong
}

type Selected = {
  metric: string
  matchers: { label: string; value: string }[]
  /** the functions around it, and the labels of its groups */
  within: { functions: string[]; labels: string[] }
}

/** The metrics that an expression selects, and the labels that are left at the end; null where all are. */
function read(expr: string): { selected: Selected[]; kept: string[] | null } {
  const selected: Selected[] = []
  const functions: string[] = []
  const groups: string[][] = []
  let aggregates = false
  const labels: string[] = []
  const slice = ({ from, to }: { from: number; to: number }) => expr.slice(from, to)
  parser.parse(expr).iterate({
    enter(ref) {
      const { node, name } = ref
      if (name === 'FunctionCall') functions.push(slice(node.getChild('FunctionIdentifier') ?? node))
      if (name === 'AggregateExpr') {
        const grouping = node.getChild('AggregateModifier')?.getChild('GroupingLabels')
        groups.push((grouping?.getChildren('LabelName') ?? []).map(slice))
        aggregates = true
        labels.push(...(groups.at(-1) as string[]))
      }
      if (name !== 'VectorSelector') return
      const matchers = (node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? []).map(matcher => ({
        label: slice(matcher.getChild('LabelName') ?? matcher),
        value: slice(matcher.getChild('StringLiteral') ?? matcher).slice(1, -1),
      }))
      selected.push({
        metric: slice(node.getChild('Identifier') ?? node),
        matchers,
        within: { functions: [...functions], labels: groups.flat() },
      })
    },
    leave({ name }) {
      if (name === 'FunctionCall') functions.pop()
      if (name === 'AggregateExpr') groups.pop()
    },
  })
  return { selected, kept: aggregates ? labels : null }
}

/** Where a process with two workers says its metrics. */
async function workers(databaseUrl: string, onTestFinished: (work: () => void) => void): Promise<string> {
  const env = {
    ...nodeEnvironment,
    ...{ NODE_ENV: 'production', DATABASE_URL: databaseUrl, PORT: '0', METRICS_PORT: '0', WEB_CONCURRENCY: '2' },
    ...{ AUTH_SECRET: auth.secret ?? '', AUTH_ISSUER: auth.issuers.join(), AUTH_AUDIENCE: auth.audiences.join() },
  }
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGTERM'))
  for await (const line of createInterface(child.stdout)) {
    const { metrics } = JSON.parse(line)
    if (metrics !== undefined) return metrics
  }
  throw new Error('the process has ended')
}
