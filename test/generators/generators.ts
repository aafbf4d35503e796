// The generators that `npm run generators` tries, and what it found that a reader has to know.

export type Generator = {
  name: string
  /** the package in package.json whose version the table shows */
  package: string
  parts: string
  /** the program in node_modules/.bin, with its arguments */
  command: string[]
  /** faults of the generator, not of the contract */
  remark?: string
}

export const generators: Generator[] = [
  {
    name: 'orval',
    package: 'orval',
    parts: 'fetch client, zod',
    command: ['orval', '--config', 'orval.mjs'],
  },
  {
    name: 'hey-api',
    package: '@hey-api/openapi-ts',
    parts: 'fetch client, zod, dates as `Date`',
    command: ['openapi-ts', '--file', 'hey-api.mjs'],
    remark: '`dueDate` has the type `Date` in requests too, but its validator and the server take text: cast it.',
  },
  {
    name: 'kubb',
    package: '@kubb/cli',
    parts: 'fetch client, zod',
    command: ['kubb', 'generate', '--config', 'kubb.mjs'],
    remark: 'Its fetch client sends no `Content-Type`, so pass this header. It joins repeated values with a comma, which is 422.',
  },
  {
    name: 'openapi-zod-client',
    package: 'openapi-zod-client',
    parts: 'zodios, zod',
    command: ['openapi-zod-client', 'openapi.yaml', '--output', 'openapi-zod-client/client.ts', '--with-alias'],
    remark: 'Repeated values need the option `axiosConfig: { paramsSerializer: { indexes: null } }`.',
  },
  {
    name: 'swagger-typescript-api',
    package: 'swagger-typescript-api',
    parts: 'fetch client',
    command: ['swagger-typescript-api', 'generate', '--path', 'openapi.yaml', '--output', 'swagger-typescript-api', '--name', 'client.ts'],
    remark: "Needs `baseApiParams: { format: 'json' }`: it does not see the media type of a reply behind a `$ref`.",
  },
  {
    name: 'oazapfts',
    package: 'oazapfts',
    parts: 'fetch client',
    command: ['oazapfts', 'openapi.yaml', 'oazapfts/client.ts'],
  },
]
