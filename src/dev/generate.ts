// `npm run generate`: what is derived from openapi.yaml. With `-- --check` nothing is written, and what has drifted is an error.
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

// The same, quicker to read: for the server.
write('openapi.json', `${JSON.stringify(document, null, 2)}\n`)

// The shapes, for the compiler.
const words = [path('openapi.yaml'), '--output', path('generated/api.ts'), '--default-non-nullable=false', ...(check ? ['--check'] : [])]
const { status } = spawnSync(path('node_modules/.bin/openapi-typescript'), words, { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

// What types can't say once the program runs: which request an operation is, and whether its answer is JSON.
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
  `// Made from openapi.yaml by \`npm run generate\`; changed there only.\nexport const requests = {\n${lines.join('')}} as const\n`,
)

function write(name: string, text: string) {
  const file = path(`generated/${name}`)
  if (!check) return writeFileSync(file, text)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  console.error(`generated/${name} is not what openapi.yaml says: run \`npm run generate\`.`)
  process.exitCode = 1
}

function isText(responses: Operation['responses']): boolean {
  const types = Object.entries(responses)
    .filter(([code]) => code.startsWith('2'))
    .map(([, reply]) => (reply.$ref === undefined ? reply : document.components.responses[reply.$ref.split('/').at(-1) as string]))
    .flatMap(reply => Object.keys(reply?.content ?? {}))
  return types.length > 0 && !types.some(type => type.includes('json'))
}
