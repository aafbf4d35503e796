// `npm run mock`: Prism serves the contract on port 4010. It takes further options: `npm run mock -- --port 4011`.
import { fileURLToPath } from 'node:url'
import { plainPath } from './plain-path.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
process.argv.splice(2, 0, 'mock', `${plainPath(root)}openapi.yaml`)
await import('@stoplight/prism-cli/dist/index.js')
