// What an operator watches, in the words of Prometheus. The only file that knows prom-client.
import { AggregatorRegistry, collectDefaultMetrics, Gauge, Histogram, type Registry } from 'prom-client'
import type { Database } from './db.ts'

export type Metrics = {
  /** Counts a request; `operation` is undefined where no path fits. */
  request: (operation: string | undefined, status: number, seconds: number) => void
  /** Everything, as Prometheus reads it. */
  text: () => Promise<string>
}

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4] // seconds; who waits longest has 503 after 3

/** The metrics of this process. */
export function metrics(db: Database): Metrics {
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
  gauge('taskspec_database_connections_busy', 'Statements that are under way.', () => db.load().busy)
  gauge('taskspec_database_waiting', 'Statements that wait for a connection.', () => db.load().waiting)
  AggregatorRegistry.setRegistries(registers)

  function gauge(name: string, help: string, read: () => number) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  }

  return {
    request: (operation = 'none', status, seconds) => duration.observe({ operation, status }, seconds),
    text: () => registers[0].metrics(),
  }
}

/** The metrics of all workers together, for the process that supervises them. */
export function workersMetrics(): Pick<Metrics, 'text'> {
  const all = new AggregatorRegistry()
  return { text: () => all.clusterMetrics() }
}
