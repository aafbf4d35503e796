import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Handlers } from '../contract.ts'
import { type Database, errorCode } from '../db.ts'
import { versions } from '../migrations.ts'
import { Problem, unavailable } from '../problem.ts'
import { document, text } from '../spec.ts'

const ours = new URL('../docs/', import.meta.url)
const swaggerUi = new URL('./', `file://${createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')}`)
const assets = {
  'docs.css': { from: ours, type: 'text/css' },
  'docs.js': { from: ours, type: 'text/javascript' },
  'swagger-ui.css': { from: swaggerUi, type: 'text/css' },
  'swagger-ui-bundle.js': { from: swaggerUi, type: 'text/javascript' },
} as const
// Scripts, styles and requests stay on this server. Swagger UI sets styles inline and draws with data: images.
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"

export function system({ read }: Database, stopping: () => boolean) {
  return {
    async getLiveness() {
      return { status: 200, body: { status: 'alive' } }
    },

    async getReadiness() {
      if (stopping()) throw unavailable('The server is stopping.')
      const applied = await read<{ version: string }>`
        select version
        from schema_migrations`.catch(noneYet)
      const done = new Set(applied.map(({ version }) => version))
      const pending = (await versions()).filter(version => !done.has(version))
      if (pending.length > 0) throw unavailable(`Migrations are pending: ${pending.length}. Run: npm run migrate`)
      return { status: 200, body: { status: 'ready' } }
    },

    async getOpenapiJson() {
      return { status: 200, body: document as { openapi: string; info: never; paths: never } }
    },

    async getOpenapiYaml() {
      return { status: 200, type: 'application/yaml', body: text }
    },

    async getDocs() {
      const headers = { 'Content-Security-Policy': policy }
      return { status: 200, headers, type: 'text/html', body: await readFile(new URL('index.html', ours), 'utf8') }
    },

    async getDocsAsset({ path }) {
      const asset = Object.hasOwn(assets, path.asset) ? assets[path.asset as keyof typeof assets] : undefined
      if (asset === undefined) throw new Problem('not-found')
      return { status: 200, type: asset.type, body: await readFile(new URL(path.asset, asset.from), 'utf8') }
    },
  } satisfies Partial<Handlers>
}

function noneYet(error: unknown): [] {
  if (errorCode(error) === '42P01') return []
  throw error
}
