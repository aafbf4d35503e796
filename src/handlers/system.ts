// Health, the contract and its reference page.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { document, text } from '../contract/document.ts'
import { Problem, unavailable } from '../contract/problem.ts'
import type { Handlers, Reply } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { sharedPending } from '../database/migrations.ts'

const ours = new URL('../docs/', import.meta.url)
const swaggerUi = new URL('./', pathToFileURL(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')))
type Asset = { from: URL; type: 'text/css' | 'text/javascript' }
const assets: Record<string, Asset> = {
  'docs.css': { from: ours, type: 'text/css' },
  'docs.js': { from: ours, type: 'text/javascript' },
  'swagger-ui.css': { from: swaggerUi, type: 'text/css' },
  'swagger-ui-bundle.js': { from: swaggerUi, type: 'text/javascript' },
}
// Scripts, styles and requests stay on this server. Swagger UI draws with data: images.
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function createSystemHandlers(db: Database, stopping: AbortSignal) {
  // Readiness needs no token, so simultaneous requests share one statement.
  const pending = sharedPending(db)
  // Texts are kept, because reading and decoding 1.7 MB delays every other request for milliseconds.
  const documentText = JSON.stringify(document)
  const texts = new Map<string, string>()

  async function read(name: string, from: URL): Promise<string> {
    const kept = texts.get(name) ?? (await readFile(new URL(name, from), 'utf8'))
    texts.set(name, kept)
    return kept
  }

  return {
    async getLiveness() {
      return { status: 200, body: { status: 'alive' } }
    },

    async getReadiness() {
      if (stopping.aborted) throw unavailable('The server is stopping.')
      const missing = await pending()
      if (missing.length > 0) throw unavailable(`Migrations are pending: ${missing.length}. Run: npm run migrate`)
      return { status: 200, body: { status: 'ready' } }
    },

    async getOpenapiJson() {
      return { status: 200, type: 'application/json', body: documentText } as unknown as Reply<'getOpenapiJson'>
    },

    async getOpenapiYaml() {
      return { status: 200, type: 'application/yaml', body: text }
    },

    async getDocs() {
      const headers = { 'Content-Security-Policy': pagePolicy }
      return { status: 200, headers, type: 'text/html', body: await read('index.html', ours) }
    },

    async getDocsAsset({ path }) {
      const asset = Object.hasOwn(assets, path.asset) ? assets[path.asset] : undefined
      if (asset === undefined) throw new Problem('not-found')
      const body = await read(path.asset, asset.from)
      return { status: 200, headers: { 'Cache-Control': 'public, max-age=3600' }, type: asset.type, body }
    },
  } satisfies Partial<Handlers>
}
