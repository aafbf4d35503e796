// Schemas of the rules of Prometheus, and of the parts of Grafana's dashboards in use. They are closed, so an unknown key is an error.
const duration = { type: 'string', pattern: '^([0-9]+(ms|s|m|h|d|w|y))+$' }
const closed = (properties: object, required: string[] = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
})
const words = { type: 'string', minLength: 1 }

export const rules = closed({
  groups: {
    type: 'array',
    minItems: 1,
    items: closed({
      name: words,
      rules: {
        type: 'array',
        minItems: 1,
        items: closed(
          {
            alert: { type: 'string', pattern: '^Taskspec[A-Za-z]+$' },
            expr: words,
            for: duration,
            labels: closed({ severity: { enum: ['page', 'ticket'] } }),
            annotations: closed({ summary: words }),
          },
          ['alert', 'expr', 'labels', 'annotations'],
        ),
      },
    }),
  },
})

const datasource = closed({ type: { const: 'prometheus' }, uid: { const: '$' + '{datasource}' } })
const cells = { type: 'integer', minimum: 0 }

export const dashboard = closed({
  uid: words,
  title: words,
  tags: { type: 'array', items: words },
  schemaVersion: { const: 39 },
  editable: { type: 'boolean' },
  timezone: { const: 'browser' },
  refresh: duration,
  time: closed({ from: words, to: words }),
  templating: closed({
    list: {
      type: 'array',
      items: closed(
        {
          ...{ name: words, label: words, query: words, datasource },
          ...{ type: { enum: ['datasource', 'query'] }, refresh: { const: 2 } },
          ...{ includeAll: { type: 'boolean' }, multi: { type: 'boolean' }, allValue: words },
          current: closed({ text: words, value: words }),
        },
        ['name', 'label', 'type', 'query'],
      ),
    },
  }),
  panels: {
    type: 'array',
    minItems: 1,
    items: closed(
      {
        id: { type: 'integer', minimum: 1 },
        type: { enum: ['timeseries', 'stat'] },
        title: words,
        description: words,
        gridPos: closed({ x: cells, y: cells, w: cells, h: cells }),
        datasource,
        fieldConfig: closed({
          defaults: closed(
            {
              unit: { enum: ['short', 'reqps', 'percentunit', 's', 'bytes'] },
              min: { const: 0 },
              thresholds: closed({
                mode: { const: 'absolute' },
                steps: {
                  type: 'array',
                  items: closed({ color: { enum: ['green', 'orange', 'red'] }, value: { type: ['number', 'null'] } }),
                },
              }),
              custom: closed({ fillOpacity: cells, stacking: closed({ mode: { const: 'normal' } }) }),
            },
            ['unit', 'min'],
          ),
          overrides: { type: 'array', maxItems: 0 },
        }),
        targets: {
          type: 'array',
          minItems: 1,
          items: closed({ refId: { type: 'string', pattern: '^[A-G]$' }, expr: words, legendFormat: words }),
        },
      },
      ['id', 'type', 'title', 'gridPos', 'datasource', 'fieldConfig', 'targets'],
    ),
  },
})
