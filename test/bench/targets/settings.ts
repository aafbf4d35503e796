// The environment of every target, with the same variable names as the server.
import process from 'node:process'

const { DATABASE_URL = '', DATABASE_POOL_SIZE, AUTH_SECRET = '', AUTH_ISSUER = '', AUTH_AUDIENCE = '', PORT } = process.env
const { MAX_PIPELINE, SEARCH_PATH = 'public' } = process.env

export const settings = {
  databaseUrl: DATABASE_URL,
  poolSize: Number(DATABASE_POOL_SIZE),
  /** 0 switches pipelining off */
  maxPipeline: Number(MAX_PIPELINE ?? 0),
  /** the schemas of its tables */
  searchPath: SEARCH_PATH,
  secret: AUTH_SECRET,
  issuer: AUTH_ISSUER,
  audience: AUTH_AUDIENCE,
  host: '127.0.0.1',
  port: Number(PORT),
}

process.on('SIGTERM', () => process.exit(0))
