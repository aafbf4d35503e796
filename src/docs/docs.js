// Swagger UI has a dark mode and leaves it to the page to switch it on.
const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
follow()
dark.addEventListener('change', follow)

SwaggerUIBundle({
  url: 'openapi.json', // as every URL here, relative to the page: a proxy may publish it under a prefix
  dom_id: '#reference',
  plugins: [{ statePlugins: { spec: { wrapActions: { updateJsonSpec: proceed => spec => proceed(prepared(spec)) } } } }],
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayOperationId: true,
  displayRequestDuration: true,
  docExpansion: 'list',
  filter: true,
  showCommonExtensions: true,
  syntaxHighlight: { theme: 'tomorrow-night' },
  validatorUrl: null,
})

/** The contract, said so that Swagger UI shows it well. */
function prepared(spec) {
  spec.servers = [{ url: new URL('.', location.href).pathname.slice(0, -1) || '/', description: 'The server of this page' }]
  for (const item of Object.values(spec.paths ?? {})) {
    // An operation that the address names is shown without the parameters of its path, and any other has them last.
    const { parameters = [], ...operations } = item
    delete item.parameters
    for (const operation of Object.values(operations)) {
      operation.parameters = [...parameters, ...(operation.parameters ?? [])]
      operation.parameters.forEach(leaveEmpty)
      for (const { schema } of operation.parameters) leaveFormat(spec.components.schemas, schema?.items?.$ref)
    }
  }
  Object.values(spec.components?.parameters ?? {}).forEach(leaveEmpty)
  return spec
}

// Swagger UI logs an error for the items of a list whose format has no form field of its own.
function leaveFormat(schemas, reference) {
  if (reference !== undefined) delete schemas[reference.split('/').at(-1)].format
}

// An example is filled in, and where it is optional it filters or forbids what the reader tries. By this name it is only shown.
function leaveEmpty(parameter) {
  if (parameter.required || parameter.example === undefined) return
  parameter['x-example'] = [parameter.example].flat().join(', ')
  delete parameter.example
}
