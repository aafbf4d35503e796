// Several processes on one port, and the process that supervises them.
import cluster, { type Address, type Worker } from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from './observe/log.ts'

const stopTimeoutMs = 15_000 // of a worker: it drains for at most 10 seconds, and its statements take at most 3
const restartDelayMs = 1_000 // before a dead worker is replaced, so that one that can't start doesn't use up the CPU

export type Workers = {
  /** on which all of them listen */
  port: number
  /** how many have died so far */
  died: () => number
  /** Sends SIGTERM to every worker and waits for their ends. */
  stop: () => Promise<void>
}

export const isWorker: boolean = cluster.isWorker

/** Starts so many workers, each of which runs this program again, and replaces each that dies. Rejects when the first ones can't start. */
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
    worker.once('exit', (code, signal) => void replace(worker, code, signal))
    return port
  }

  async function replace(worker: Worker, code: number, signal: string) {
    if (stopping) return
    died += 1
    log.error({ worker: worker.process.pid, code, signal }, 'worker died')
    for (;;) {
      await sleep(restartDelayMs)
      if (stopping) return
      const error = await start().then(
        () => undefined,
        error => error,
      )
      if (error === undefined) return
      log.error({ error }, 'worker did not start')
    }
  }

  async function stop(worker: Worker) {
    worker.process.kill('SIGTERM')
    const timer = setTimeout(() => worker.process.kill('SIGKILL'), stopTimeoutMs)
    await once(worker, 'exit')
    clearTimeout(timer)
  }

  const [port] = (await Promise.all(Array.from({ length: count }, start))) as [number]
  return {
    port,
    died: () => died,
    async stop() {
      stopping = true
      const workers = (Object.values(cluster.workers ?? {}) as Worker[]).filter(worker => !worker.isDead())
      await Promise.all(workers.map(stop))
    },
  }
}
