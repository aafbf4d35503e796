// Several processes on one port, and the one that looks after them.
import cluster, { type Address, type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from './observe/log.ts'

const patience = 15_000 // ms for a worker to end: what it has accepted takes 10 seconds at most, and its statements 3
const pause = 1_000 // ms before another worker is started for one that has died, so that one that can't start doesn't turn in circles

export type Workers = {
  /** where all of them listen */
  port: number
  /** how many have died so far */
  died: () => number
  /** Asks every worker to end as SIGTERM does, and waits for it. */
  stop: () => Promise<void>
}

export const isWorker: boolean = cluster.isWorker

/** Starts so many workers, each of which runs this program again, and another for each that dies. Rejects when the first ones can't start. */
export async function supervise(count: number, env: Record<string, string>, log: Log): Promise<Workers> {
  let stopping = false
  let died = 0

  async function start(): Promise<number> {
    const worker = cluster.fork(env)
    const port = await new Promise<number>((resolve, reject) => {
      worker.once('listening', ({ port }: Address) => resolve(port))
      worker.once('exit', () => reject(new Error('a worker did not start')))
    })
    log.info({ worker: worker.process.pid }, 'worker started')
    worker.once('exit', (code, signal) => void again(worker, code, signal))
    return port
  }

  async function again(worker: Worker, code: number, signal: string) {
    if (stopping) return
    died += 1
    log.error({ worker: worker.process.pid, code, signal }, 'worker died')
    for (;;) {
      await sleep(pause)
      if (stopping) return
      const failed = await start().then(
        () => undefined,
        error => error,
      )
      if (failed === undefined) return
      log.error({ error: failed }, 'worker did not start')
    }
  }

  async function end(worker: Worker) {
    worker.process.kill('SIGTERM')
    const cut = setTimeout(() => worker.process.kill('SIGKILL'), patience)
    await once(worker, 'exit')
    clearTimeout(cut)
  }

  const [port] = (await Promise.all(Array.from({ length: count }, start))) as [number]
  return {
    port,
    died: () => died,
    async stop() {
      stopping = true
      const workers = (Object.values(cluster.workers ?? {}) as Worker[]).filter(worker => !worker.isDead())
      await Promise.all(workers.map(end))
    },
  }
}
