// Ends a Node that is too old for the sources, with one sentence. Any Node can run this file, because it is plain JavaScript.
// The npm scripts load it with --import, since Node 20 can't even load main.ts.
import { existsSync, readFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const { engines } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
const [needed, minMajor, minMinor] = /(\d+)\.(\d+)/.exec(engines.node)
const [major, minor] = process.versions.node.split('.')

if (Number(major) < Number(minMajor) || (major === minMajor && Number(minor) < Number(minMinor))) {
  const scriptsWereOff = existsSync(new URL('node_modules/node/package.json', root)) && !existsSync(new URL('node_modules/node/bin', root))
  const remedy = scriptsWereOff
    ? 'npm installed none, because install scripts are off: run npm rebuild --ignore-scripts=false'
    : 'npm ci installs it for npm start and the other npm scripts'
  console.error(`Taskspec needs Node ${needed} or newer, and this is Node ${process.versions.node}; ${remedy}.`)
  process.exit(1)
}
