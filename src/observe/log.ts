// One JSON line for each event, on standard output. The only file that knows pino.
import { type DestinationStream, destination as file, type Logger, pino, stdTimeFunctions } from 'pino'

export type Log = Logger

/** `destination` is standard output; a test passes its own. */
export function createLog(level: string, destination?: DestinationStream): Log {
  const options = { level, base: null, timestamp: stdTimeFunctions.isoTime, serializers: { error: summary } }
  // Lines are buffered for at most 0.1 s and flushed at exit: one write a line costs a tenth of a request.
  return pino(options, destination ?? file({ dest: 1, sync: false, minLength: 16_000, periodicFlush: 100 }))
}

/** An error without user content: a database error quotes values in its message and detail, so only its codes and names are kept. */
function summary(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error }
  const { code, routine, table_name: table, constraint_name: constraint } = error as Error & Record<string, unknown>
  const cause = error.cause === undefined ? {} : { cause: summary(error.cause) }
  if (error.name === 'PostgresError') return { name: error.name, code, routine, table, constraint, ...cause }
  return { name: error.name, code, message: error.message, stack: error.stack, ...cause }
}
