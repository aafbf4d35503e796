// What every target reads from the environment, under the names that the server itself uses.
import process from 'node:process'

const { DATABASE_URL = '', DATABASE_POOL_SIZE, AUTH_SECRET = '', AUTH_ISSUER = '', AUTH_AUDIENCE = '', PORT, MAX_PIPELINE } = process.env

export const settings = {
  databaseUrl: DATABASE_URL,
  poolSize: Number(DATABASE_POOL_SIZE),
  /** 0 unless the price of safety is measured */
  maxPipeline: Number(MAX_PIPELINE ?? 0),
  secret: AUTH_SECRET,
  issuer: AUTH_ISSUER,
  audience: AUTH_AUDIENCE,
  host: '127.0.0.1',
  port: Number(PORT),
}

process.on('SIGTERM', () => process.exit(0))
