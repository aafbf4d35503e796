// `npm run generate`: writes the files derived from openapi.yaml. With `-- --check` it writes nothing and fails if a file is out of date.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { withMockDifferences } from './mock-differences.ts'
import { plainPath } from './plain-path.ts'

type Ref = { $ref?: string }
type Reply = Ref & { content?: Record<string, unknown> }
type Schema = Ref & { default?: unknown; 'x-read-only'?: boolean; properties?: Record<string, Schema> }
type Parameter = Ref & { name: string; in: string; schema: Schema }
type Body = Ref & { content: Record<string, { schema: Schema }> }
type Operation = { operationId: string; parameters?: Parameter[]; requestBody?: Body; responses: Record<string, Reply> }
type Document = { paths: Record<string, { parameters?: Parameter[] }> }

const check = process.argv.includes('--check')
const root = fileURLToPath(new URL('../../', import.meta.url))
const path = (name: string) => `${root}${name}`
const document: Document = parse(readFileSync(path('openapi.yaml'), 'utf8'))

// The document as JSON, which the server parses faster than YAML.
write('openapi.json', `${JSON.stringify(document, null, 2)}\n`)

// The types.
const plain = plainPath(root)
const options = [
  `${plain}openapi.yaml`,
  '--output',
  `${plain}generated/api.ts`,
  '--default-non-nullable=false',
  ...(check ? ['--check'] : []),
]
const { status } = spawnSync(path('node_modules/.bin/openapi-typescript'), options, { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

// The method and path of each operation, and whether its reply is text, for the client at run time.
const methods = ['get', 'put', 'post', 'delete', 'patch']
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  (Object.entries(item) as [string, object][] as [string, Operation][])
    .filter(([method]) => methods.includes(method))
    .map(([method, operation]) => ({ ...operation, method, path, parameters: [item.parameters ?? [], operation.parameters ?? []].flat() })),
)
const origin = '// Generated from openapi.yaml by `npm run generate`. Do not edit.\n'
const requests = operations.map(({ operationId, method, path, responses }) => {
  const text = isText(responses) ? `, parseAs: 'text'` : ''
  return `  ${operationId}: { method: '${method}', path: '${path}'${text} },\n`
})
write('requests.ts', `${origin}export const requests = {\n${requests.join('')}} as const\n`)

// The server fills in defaults, so a handler finds these properties always, though a client may leave them out.
const filled = operations.flatMap(({ operationId, parameters, requestBody }) => {
  const query = parameters.map(resolved).filter(each => each.in === 'query' && hasDefault(each.schema))
  const body = Object.entries(properties(requestBody)).filter(([, schema]) => hasDefault(schema))
  const names = { query: query.map(({ name }) => name), body: body.map(([name]) => name) }
  const lines = Object.entries(names).filter(([, each]) => each.length > 0)
  return lines.length === 0 ? [] : [`  ${operationId}: { ${lines.map(([part, each]) => `${part}: ${union(each)}`).join('; ')} }\n`]
})
// A handler does not find the properties of a body that only the server writes.
const readOnly = operations.flatMap(({ operationId, requestBody }) => {
  const names = Object.entries(properties(requestBody)).flatMap(([name, schema]) => (schema['x-read-only'] ? [name] : []))
  return names.length === 0 ? [] : [`  ${operationId}: ${union(names)}\n`]
})
write('defaults.ts', `${origin}export interface Defaults {\n${filled.join('')}}\nexport interface ReadOnly {\n${readOnly.join('')}}\n`)

const clientManual = 'src/client/README.md'
update(clientManual, withMockDifferences(readFileSync(path(clientManual), 'utf8')))

function write(name: string, text: string) {
  update(`generated/${name}`, text)
}

function update(name: string, text: string) {
  const file = path(name)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  if (!check) return writeFileSync(file, text)
  console.error(`${name} does not match its source. Run \`npm run generate\`.`)
  process.exitCode = 1
}

function isText(responses: Operation['responses']): boolean {
  const types = Object.entries(responses)
    .filter(([code]) => code.startsWith('2'))
    .flatMap(([, reply]) => Object.keys(resolved(reply).content ?? {}))
  return types.length > 0 && !types.some(type => /[/+]json$/.test(type))
}

function properties(body: Body | undefined): Record<string, Schema> {
  const media = body === undefined ? undefined : resolved(body).content['application/json']
  return media === undefined ? {} : (resolved(media.schema).properties ?? {})
}

function hasDefault(schema: Schema): boolean {
  return Object.hasOwn(schema, 'default') || Object.hasOwn(resolved(schema), 'default') // beside a `$ref` or behind it
}

function union(names: string[]): string {
  return names.map(name => `'${name}'`).join(' | ')
}

/** What a `$ref` stands for, or the thing itself. */
function resolved<Thing extends Ref>(thing: Thing): Thing {
  if (thing.$ref === undefined) return thing
  const names = thing.$ref.split('/').slice(1)
  return resolved(names.reduce<unknown>((node, name) => (node as Record<string, unknown>)[name], document) as Thing)
}
