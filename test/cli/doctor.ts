// `npm run doctor`, as an operator runs it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { nodeEnvironment } from '../support/environment.ts'
import { auth } from '../support/taskspec.ts'

const program = fileURLToPath(new URL('../../src/cli/doctor.ts', import.meta.url))

export async function doctor(variables: Record<string, string>) {
  const env = {
    ...nodeEnvironment,
    AUTH_SECRET: auth.secret as string,
    AUTH_ISSUER: 'https://issuer.test',
    AUTH_AUDIENCE: 'x',
    ...variables,
  }
  const child = spawn(process.execPath, [program], { env })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', chunk => {
      output += chunk
    })
  const [code] = await once(child, 'close')
  return { code, output }
}
