const input = { target: './openapi.yaml' }

export default {
  client: { input, output: { target: './orval/client.ts', client: 'fetch', baseUrl: process.env.TASKSPEC_URL } },
  zod: { input, output: { target: './orval/zod.ts', client: 'zod' } },
}
