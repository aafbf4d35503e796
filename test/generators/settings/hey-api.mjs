export default {
  input: './openapi.yaml',
  output: './hey-api',
  plugins: [
    '@hey-api/client-fetch',
    '@hey-api/typescript',
    { name: '@hey-api/transformers', dates: true },
    { name: 'zod', compatibilityVersion: 4 },
    { name: '@hey-api/sdk', validator: true, transformer: '@hey-api/transformers' },
  ],
}
