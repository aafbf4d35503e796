// `npm run generate`: writes the files derived from openapi.yaml. With `-- --check` it writes nothing and fails if a file is out of date.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

type Reply = { $ref?: string; content?: Record<string, unknown> }
type Operation = { operationId: string; responses: Record<string, Reply> }
type Document = { paths: Record<string, object>; components: { responses: Record<string, Reply> } }

const check = process.argv.includes('--check')
const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const document: Document = parse(readFileSync(path('openapi.yaml'), 'utf8'))

// The document as JSON, which the server parses faster than YAML.
write('openapi.json', `${JSON.stringify(document, null, 2)}\n`)

// The types.
const options = [path('openapi.yaml'), '--output', path('generated/api.ts'), '--default-non-nullable=false', ...(check ? ['--check'] : [])]
const { status } = spawnSync(path('node_modules/.bin/openapi-typescript'), options, { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

// The method and path of each operation, and whether its reply is text, for the client at run time.
const methods = ['get', 'put', 'post', 'delete', 'patch']
const lines = Object.entries(document.paths).flatMap(([path, item]) =>
  (Object.entries(item) as [string, Operation][])
    .filter(([method]) => methods.includes(method))
    .map(([method, { operationId, responses }]) => {
      const text = isText(responses) ? `, parseAs: 'text'` : ''
      return `  ${operationId}: { method: '${method}', path: '${path}'${text} },\n`
    }),
)
write(
  'requests.ts',
  `// Generated from openapi.yaml by \`npm run generate\`. Do not edit.\nexport const requests = {\n${lines.join('')}} as const\n`,
)

function write(name: string, text: string) {
  const file = path(`generated/${name}`)
  if (!check) return writeFileSync(file, text)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  console.error(`generated/${name} does not match openapi.yaml. Run \`npm run generate\`.`)
  process.exitCode = 1
}

function isText(responses: Operation['responses']): boolean {
  const types = Object.entries(responses)
    .filter(([code]) => code.startsWith('2'))
    .map(([, reply]) => (reply.$ref === undefined ? reply : document.components.responses[reply.$ref.split('/').at(-1) as string]))
    .flatMap(reply => Object.keys(reply?.content ?? {}))
  return types.length > 0 && !types.some(type => type.includes('json'))
}
