// The metrics of a process in the format of Prometheus. The only file that knows prom-client.
import { type Aggregator, AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = {
  /** Counts a request; `operation` is undefined where no path fits. */
  request: (operation: string | undefined, status: number, seconds: number) => void
  /** Counts a request that was shed, beside `request`. */
  shed: (reason: string) => void
  /** Counts a streamed reply that ended early. */
  aborted: (operation: string | undefined) => void
  /** Everything, as Prometheus reads it. */
  text: () => Promise<string>
}
/** What the other layers know about themselves at any time. */
export type Readings = {
  inFlight: () => number
  shedReasons: readonly string[]
  /** of the database: connections in use, callers that wait for one, connections at most; so far: connections opened and lost, shared statements refused */
  load: () => { busy: number; waiting: number; max: number; opened: number; lost: number; refused: number }
  /** Asks the database which migrations it still needs, with one statement for simultaneous callers. */
  pending: () => Promise<string[]>
  /** pages of lists that were read from memory, or from the database, so far; bytes that are kept */
  lists?: () => { hits: number; misses: number; bytes: number }
  /** of the work outside requests: rows removed so far, and when there was last nothing left to remove (seconds since the epoch) */
  purge?: () => { rows: number; succeededAt: number }
  /** of live events: streams open; so far: events sent, and streams whose client did not read; the last successful look for changes */
  events?: () => { open: number; sent: number; dropped: number; succeededAt: number }
  /** of the deliveries of webhooks: attempts so far and webhooks disabled, owners with a due one, requests in flight, and the last successful look */
  webhooks?: () => { delivered: number; failed: number; disabled: number; due: number; inFlight: number; succeededAt: number }
}

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4] // seconds; a request that waits for the database has its 503 after 3

/** The metrics of this process. */
export function createMetrics({ inFlight, shedReasons, load, pending, lists, purge, events, webhooks }: Readings): Metrics {
  // The registry answers a supervising process too, where there is one.
  const registers = [new AggregatorRegistry()] as [Registry]
  collectDefaultMetrics({ register: registers[0] })
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Requests by operation of the contract and status, and their durations.',
    labelNames: ['operation', 'status'],
    buckets,
    registers,
  })
  const shed = new Counter({
    name: 'taskspec_requests_shed_total',
    help: 'Requests refused under overload before anything else, by reason.',
    labelNames: ['reason'],
    registers,
  })
  for (const reason of shedReasons) shed.inc({ reason }, 0) // otherwise Prometheus misses the first increase
  const aborted = new Counter({
    name: 'taskspec_streams_aborted_total',
    help: 'Streamed replies that ended early, because the client was gone or the stream failed.',
    labelNames: ['operation'],
    registers,
  })
  gauge('taskspec_requests_in_flight', 'Requests in flight, without those whose bodies are still arriving.', inFlight)
  gauge('taskspec_database_connections_busy', 'Connections in use, each by a statement or a transaction.', () => load().busy)
  gauge('taskspec_database_waiting', 'Statements and transactions that wait for a connection.', () => load().waiting)
  gauge('taskspec_database_connections_max', 'Connections that can be in use.', () => load().max)
  counter('taskspec_database_connections_opened_total', 'Connections opened so far.', registers, () => load().opened)
  counter(
    'taskspec_database_connections_lost_total',
    'Connections lost, or failed to open, under a statement.',
    registers,
    () => load().lost,
  )
  counter(
    'taskspec_database_shared_refused_total',
    'Statements shared by several callers that the database does not support. Sharing has stopped since the first.',
    registers,
    () => load().refused,
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
    'Migrations that the database still needs; 0 while the database does not answer.',
    () =>
      pending().then(
        ({ length }) => length,
        () => 0,
      ),
    'max',
  )
  if (lists !== undefined) {
    counter('taskspec_list_cache_hits_total', 'Pages of lists that were read from memory.', registers, () => lists().hits)
    counter('taskspec_list_cache_misses_total', 'Pages of lists that were not in memory, or not current.', registers, () => lists().misses)
    gauge('taskspec_list_cache_bytes', 'Size of the pages in memory.', () => lists().bytes)
  }
  if (purge !== undefined) {
    counter(
      'taskspec_rows_purged_total',
      'Deleted rows and stored replies that were removed for good because of their age.',
      registers,
      () => purge().rows,
    )
    gauge(
      'taskspec_purge_success_timestamp_seconds',
      'When there was last nothing left to remove; at first the start of the process.',
      () => purge().succeededAt,
      'min',
    )
  }
  if (events !== undefined) {
    gauge('taskspec_event_streams', 'Streams of live events that are open.', () => events().open)
    counter('taskspec_events_sent_total', 'Live events sent, each to one stream.', registers, () => events().sent)
    counter(
      'taskspec_event_streams_dropped_total',
      'Streams of live events that ended while their client had not read what it was sent.',
      registers,
      () => events().dropped,
    )
    gauge(
      'taskspec_event_poll_success_timestamp_seconds',
      'When a look for changes in the accounts of all streams last succeeded; the present while there is no stream.',
      () => events().succeededAt,
      'min',
    )
  }
  if (webhooks !== undefined) {
    new Counter({
      name: 'taskspec_webhook_attempts_total',
      help: 'Requests to receivers of webhooks by outcome: delivered is a reply of 2xx.',
      labelNames: ['outcome'],
      registers,
      collect() {
        this.reset()
        for (const outcome of ['delivered', 'failed'] as const) this.inc({ outcome }, webhooks()[outcome])
      },
    })
    counter('taskspec_webhooks_disabled_total', 'Webhooks disabled after failures.', registers, () => webhooks().disabled)
    gauge(
      'taskspec_webhook_owners_due',
      'Accounts with a due webhook, as the last walk through all webhooks found, or the present one if it has found more.',
      () => webhooks().due,
      'max',
    )
    gauge('taskspec_webhook_requests_in_flight', 'Webhooks that are looked at or sent to.', () => webhooks().inFlight)
    gauge(
      'taskspec_webhook_poll_success_timestamp_seconds',
      'When a look for due webhooks last succeeded; at first the start of the process.',
      () => webhooks().succeededAt,
      'min',
    )
  }
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
    aborted: (operation = 'none') => aborted.inc({ operation }),
    text: () => registers[0].metrics(),
  }
}

/** The metrics of all workers together, and of the process that supervises them: how many have died. */
export function createClusterMetrics(died: () => number): Pick<Metrics, 'text'> {
  const all = new AggregatorRegistry()
  const own = new Registry()
  const start = new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start of the process that supervises the workers.',
    registers: [own],
  })
  start.set(Math.round(performance.timeOrigin / 1000))
  counter('taskspec_workers_died_total', 'Workers that died. Each is replaced.', [own], died)
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
