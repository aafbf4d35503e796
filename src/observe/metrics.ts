// What an operator watches, in the words of Prometheus. The only file that knows prom-client.
import { type Aggregator, AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Database } from '../database/database.ts'
import { type Reason, reasons, type Shedding } from '../http/shedding.ts'

export type Metrics = {
  /** Counts a request; `operation` is undefined where no path fits. */
  request: (operation: string | undefined, status: number, seconds: number) => void
  /** Counts a request that was sent away unseen. */
  shed: (reason: Reason) => void
  /** Everything, as Prometheus reads it. */
  text: () => Promise<string>
}

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4] // seconds; who waits longest has 503 after 3

/** The metrics of this process. `pending` asks the database which migrations it still needs, once for all who ask at the same time. */
export function metrics(db: Database, pending: () => Promise<string[]>, { inFlight }: Pick<Shedding, 'inFlight'>): Metrics {
  // One that answers when the process that supervises this one asks, where there is one.
  const registers = [new AggregatorRegistry()] as [Registry]
  collectDefaultMetrics({ register: registers[0] })
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Requests by operation of the contract and status, and how long they took.',
    labelNames: ['operation', 'status'],
    buckets,
    registers,
  })
  const shed = new Counter({
    name: 'taskspec_requests_shed_total',
    help: 'Requests that were sent away unseen, by what there was too much of.',
    labelNames: ['reason'],
    registers,
  })
  for (const reason of reasons) shed.inc({ reason }, 0) // else the first ones would not be seen to come
  gauge('taskspec_requests_under_way', 'Requests that are under way, apart from bodies that are still coming.', inFlight)
  gauge('taskspec_database_connections_busy', 'Statements that are under way.', () => db.load().busy)
  gauge('taskspec_database_waiting', 'Statements that wait for a connection.', () => db.load().waiting)
  gauge('taskspec_database_connections_max', 'Statements that may be under way, each on its connection.', () => db.load().max)
  counter('taskspec_database_connections_opened_total', 'Connections opened so far.', registers, () => db.load().opened)
  counter(
    'taskspec_database_connections_lost_total',
    'Connections lost, or tried for in vain, under a statement.',
    registers,
    () => db.load().lost,
  )
  gauge(
    'taskspec_database_up',
    'Whether the database has just answered a statement.',
    () =>
      pending().then(
        () => 1,
        () => 0,
      ),
    'min',
  )
  gauge(
    'taskspec_migrations_pending',
    'Migrations that the database needs; 0 while it can not be asked.',
    () =>
      pending().then(
        ({ length }) => length,
        () => 0,
      ),
    'max',
  )
  AggregatorRegistry.setRegistries(registers)

  function gauge(name: string, help: string, read: () => number | Promise<number>, aggregator: Aggregator = 'sum') {
    new Gauge({
      name,
      help,
      registers,
      aggregator,
      async collect() {
        this.set(await read())
      },
    })
  }

  return {
    request: (operation = 'none', status, seconds) => duration.observe({ operation, status }, seconds),
    shed: reason => shed.inc({ reason }),
    text: () => registers[0].metrics(),
  }
}

/** The metrics of all workers together, and of the process that supervises them: how many have died. */
export function workersMetrics(died: () => number): Pick<Metrics, 'text'> {
  const all = new AggregatorRegistry()
  const own = new Registry()
  const began = new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start of the process that supervises the workers.',
    registers: [own],
  })
  began.set(Math.round(performance.timeOrigin / 1000))
  counter('taskspec_workers_died_total', 'Workers that died. Another takes the place of each.', [own], died)
  return { text: async () => `${await all.clusterMetrics()}\n${await own.metrics()}` }
}

function counter(name: string, help: string, registers: Registry[], read: () => number) {
  new Counter({
    name,
    help,
    registers,
    collect() {
      this.reset()
      this.inc(read())
    },
  })
}
