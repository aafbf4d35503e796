// A body that is written as it comes: with backpressure, a heartbeat while it is quiet, and an end that is never silently incomplete.
import type { ServerResponse } from 'node:http'
import type { Stream } from '../contract/types.ts'
import type { Log } from '../observe/log.ts'

/** `aborted`: the client was gone before the end; `failed`: the body threw an error, and the connection was destroyed. */
export type StreamEnd = { outcome: 'complete' | 'aborted' | 'failed'; error?: unknown }
/** `heartbeat`: the body is live, so it may be quiet and may never end. `farewell`: its last text at shutdown. */
export type Live = { heartbeat?: string | undefined; farewell?: string | undefined }
export type StreamOptions = {
  heartbeatMs: number
  /** At shutdown a stream with a heartbeat ends; another may go on until its connection is destroyed. */
  stopping: AbortSignal
  log: Log
}

/** Writes the body behind the head that was written. Resolves when all of it is on its way, or none of it can be any more. */
export function writeStream(
  response: ServerResponse,
  body: Stream,
  { heartbeat, farewell }: Live,
  { heartbeatMs, stopping, log }: StreamOptions,
): Promise<StreamEnd> {
  const { socket } = response.req
  const iterator = body[Symbol.asyncIterator]()
  const isLive = heartbeat !== undefined

  return new Promise(resolve => {
    let over = false
    let wake: (() => void) | undefined
    const timer = isLive ? setTimeout(beat, heartbeatMs) : undefined
    const drained = () => wake?.()
    const gone = () => end('aborted')
    const stop = () => finish('early')
    response.on('drain', drained)
    response.once('finish', () => end('complete'))
    socket.once('close', gone)
    socket.once('end', gone) // a client that closes its side does not wait for a stream, which may never end
    if (isLive) stopping.addEventListener('abort', stop)

    if (socket.destroyed || socket.readableEnded) gone()
    else if (response.req.method === 'HEAD' || (isLive && stopping.aborted)) stop()
    else pump().catch(error => over || end('failed', error))

    async function pump() {
      for (;;) {
        const { done, value } = await iterator.next()
        if (over) return
        if (done) return finish('exhausted')
        timer?.refresh()
        await written(value)
        if (over) return
      }
    }

    /** A live body has at most one chunk in memory: its source can leave out what the client is too slow for. */
    function written(chunk: string | Uint8Array): Promise<void> | undefined {
      if (!isLive && response.write(chunk)) return undefined
      return new Promise<void>(resume => {
        wake = resume
        if (isLive) response.write(chunk, () => resume())
      })
    }

    /** Not behind what the client hasn't read: a client that never reads must reach the idle timeout. */
    function beat() {
      if (response.writableLength === 0) response.write(heartbeat)
      timer?.refresh()
    }

    /** Ends the body cleanly. The stream ends when its last byte has been handed to the system. */
    function finish(source: 'exhausted' | 'early') {
      if (over) return
      close(source)
      response.end(stopping.aborted ? farewell : undefined)
    }

    /** Writes nothing any more. */
    function close(source: 'exhausted' | 'early') {
      over = true
      clearTimeout(timer)
      stopping.removeEventListener('abort', stop)
      wake?.()
      if (source === 'early') void cancel(iterator, log)
    }

    function end(outcome: StreamEnd['outcome'], error?: unknown) {
      socket.off('close', gone).off('end', gone)
      if (!over) close('early')
      if (outcome === 'failed') socket.destroy()
      else if (outcome === 'aborted') response.destroy()
      // The head could not announce it, if the shutdown began later.
      else if (stopping.aborted) socket.destroySoon()
      resolve({ outcome, error })
    }
  })
}

/** Lets the source of a body clean up. It may be waiting for its next chunk, so nothing waits for it. */
export async function cancel(iterator: AsyncIterator<unknown>, log: Log): Promise<void> {
  try {
    await iterator.return?.()
  } catch (error) {
    log.error({ error }, 'stream cleanup failed')
  }
}
