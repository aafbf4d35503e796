// A bar chart as SVG, without a library. It has its own background, so that it is readable on any page.
export type Series = { name: string; values: (number | undefined)[] }

const [width, height] = [880, 360]
const [left, right, top, bottom] = [44, 12, 64, 40]
const colours = ['#1c7ed6', '#868e96', '#e8590c', '#2f9e44', '#9c36b5', '#c2255c', '#0c8599'] // contrast of at least 3:1 on white and on black

/** One group of bars for each label, and a line at 1. */
export function plot(title: string, labels: string[], series: Series[]): string {
  const highest = Math.max(1, ...series.flatMap(({ values }) => values.filter(value => value !== undefined)))
  const step = highest > 2 ? 0.5 : 0.25
  const end = Math.ceil(highest / step + 0.2) * step
  const y = (value: number) => top + (1 - value / end) * (height - top - bottom)
  const group = (width - left - right) / labels.length
  const bar = Math.min(24, (group - 16) / series.length)
  const round = (value: number) => Math.round(value * 10) / 10

  const grid = Array.from({ length: Math.round(end / step) + 1 }, (_, index) => index * step).map(value => {
    const kind = value === 1 ? 'one' : 'grid'
    return (
      `<line class="${kind}" x1="${left}" x2="${width - right}" y1="${round(y(value))}" y2="${round(y(value))}"/>` +
      `<text x="${left - 6}" y="${round(y(value) + 4)}" text-anchor="end">${value.toFixed(2)}</text>`
    )
  })
  const bars = series.flatMap(({ name, values }, place) =>
    values.map((value, index) => {
      if (value === undefined) return ''
      const x = left + index * group + (group - bar * series.length) / 2 + place * bar
      const middle = round(x + bar / 2)
      return (
        `<rect x="${round(x + 1)}" y="${round(y(value))}" width="${round(bar - 2)}" height="${round(y(0) - y(value))}" ` +
        `fill="${colours[place % colours.length]}"><title>${name}, ${labels[index]}: ${value.toFixed(2)}</title></rect>` +
        `<text class="value" x="${middle}" y="${round(y(value) - 4)}" text-anchor="middle">${value.toFixed(2)}</text>`
      )
    }),
  )
  const names = labels.map(
    (label, index) => `<text x="${round(left + (index + 0.5) * group)}" y="${height - bottom + 20}" text-anchor="middle">${label}</text>`,
  )
  let at = left
  const legend = series.map(({ name }, place) => {
    const entry =
      `<rect x="${at}" y="34" width="11" height="11" fill="${colours[place % colours.length]}"/>` +
      `<text x="${at + 16}" y="44">${name}</text>`
    at += 34 + Math.round(name.length * 6.8)
    return entry
  })

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${title}">
<style>
  .ground { fill: #fff } text { fill: #1f2328; font: 12px system-ui, sans-serif } .value { font-size: 9px; paint-order: stroke; stroke: #fff; stroke-width: 2px } .title { font-weight: 600 }
  .grid { stroke: #d0d7de } .one { stroke: #1f2328; stroke-dasharray: 4 3 }
  @media (prefers-color-scheme: dark) { .ground { fill: #0d1117 } text { fill: #e6edf3 } .value { stroke: #0d1117 } .grid { stroke: #30363d } .one { stroke: #e6edf3 } }
</style>
<rect class="ground" width="${width}" height="${height}"/>
<text class="title" x="${left}" y="20">${title}</text>
${[...legend, ...grid, ...bars, ...names].filter(each => each !== '').join('\n')}
</svg>
`
}
