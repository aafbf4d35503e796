// Health, the contract and its reference page.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { type Document, document, text } from '../contract/document.ts'
import { Problem, unavailable } from '../contract/problem.ts'
import type { Handlers } from '../contract/types.ts'
import type { Database } from '../database/database.ts'
import { sharedPending } from '../database/migrations.ts'
import { sql } from '../database/sql.ts'
import { mayUse } from '../domain/access.ts'
import { type Content, contentReply, createContent, shared } from '../resource/content.ts'

const ours = new URL('../docs/', import.meta.url)
const swaggerUi = new URL('./', pathToFileURL(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')))
type Asset = { type: 'text/css' | 'text/javascript'; read: () => Promise<Content> }
// Scripts, styles and requests stay on this server. Swagger UI draws with data: images.
const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
const immutable = 'public, max-age=31536000, immutable' // under a name with the hash of the content

// Finds nothing, because no account has the empty id. But PostgreSQL reads the catalog entries of the tables, and compiles the functions that
// check and index a task. Each connection does that once: it takes 12 ms of its first statements, and 120 ms on Citus.
const nobody = sql`${''}`
const everyTable = sql`
  select
  from users as u, categories as c, tasks as t
  where ${mayUse(sql`u.id`, nobody)}
    and ${mayUse(sql`c.owner_id`, nobody)} and c.deleted_at is null
    and ${mayUse(sql`t.owner_id`, nobody)} and t.deleted_at is null
    and is_visible(${'a'}) and labels_fit(array[${'a'}], 50)
    and folded_all(array[${'a'}]) is not null and search_words(${'a'}, search_text(${'a'})) is not null`

/** `publicUrl` is where clients find the API; null for where they found its document. */
export function createSystemHandlers(db: Database, stopping: AbortSignal, publicUrl: string | null) {
  // Readiness needs no token, so simultaneous requests share one statement.
  const pending = sharedPending(db)
  // Once, because a burst meets a cold pool only after a start: later the process opens connections as it needs them.
  const warm = shared(() => db.warm(everyTable))
  // Contents are kept, because reading 1.7 MB delays every other request for milliseconds.
  const json = shared(async () => createContent(Buffer.from(JSON.stringify(published(document, publicUrl)))))
  const yaml = shared(async () => createContent(Buffer.from(publishedText(text, publicUrl))))
  const file = (name: string, from: URL) => shared(async () => createContent(await readFile(new URL(name, from))))
  const assets: Record<string, Asset> = {
    'docs.css': { type: 'text/css', read: file('docs.css', ours) },
    'docs.js': { type: 'text/javascript', read: file('docs.js', ours) },
    'swagger-ui.css': { type: 'text/css', read: file('swagger-ui.css', swaggerUi) },
    'swagger-ui-bundle.js': { type: 'text/javascript', read: file('swagger-ui-bundle.js', swaggerUi) },
  }

  /** The page names each file with the hash of its content, so that browsers keep it until it changes. */
  const page = shared(async () => {
    let html = await readFile(new URL('index.html', ours), 'utf8')
    for (const [name, { read }] of Object.entries(assets))
      html = html.replace(`docs/${name}`, `docs/${versioned(name, (await read()).hash)}`)
    return createContent(Buffer.from(html))
  })

  return {
    async getLiveness() {
      return { status: 200, body: { status: 'alive' } }
    },

    async getReadiness() {
      if (stopping.aborted) throw unavailable('The server is stopping.')
      const missing = await pending()
      if (missing.length > 0) throw unavailable(`Migrations are pending: ${missing.length}. Run: npm run migrate`)
      await warm()
      return { status: 200, body: { status: 'ready' } }
    },

    getOpenapiJson: async () => contentReply(await json(), 'application/json'),

    getOpenapiYaml: async () => contentReply(await yaml(), 'application/yaml'),

    async getDocs() {
      const { headers, ...reply } = contentReply(await page(), 'text/html')
      return { ...reply, headers: { ...headers, 'Content-Security-Policy': pagePolicy } }
    },

    async getDocsAsset({ path }) {
      const [, start = path.asset, hash, end = ''] = /^(.+)\.([\da-f]{16})(\.\w+)$/.exec(path.asset) ?? []
      const asset = Object.hasOwn(assets, start + end) ? assets[start + end] : undefined
      if (asset === undefined) throw new Problem('not-found')
      const content = await asset.read()
      // During an upgrade the page may be of another release than this server. Its file must not be kept under that name.
      return contentReply(content, asset.type, hash === content.hash ? immutable : 'no-cache')
    },
  } satisfies Partial<Handlers>
}

const versioned = (name: string, hash: string) => name.replace(/(?=\.\w+$)/, `.${hash}`)

/** The contract with the URL under which clients find its API. */
function published(document: Document, url: string | null): Document {
  return url === null ? document : { ...document, servers: document.servers?.map(server => ({ ...server, url })) }
}

/** The same in the text, which keeps its comments. */
const publishedText = (text: string, url: string | null) =>
  url === null ? text : text.replace(/^servers:\n {2}- \{ url: \/(?=,)/m, start => `${start.slice(0, -1)}${JSON.stringify(url)}`)
