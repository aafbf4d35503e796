// Ends a Node that is too old for the sources, with one sentence. Any Node can run this file, because it is plain JavaScript.
// The npm scripts load it with --import, since Node 20 can't even load main.ts.
// It also lets Node keep what it compiles: a start that finds all of it takes two thirds of the time and 20 MiB less.
import { existsSync, readFileSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'

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

// Where most of the first objects survive, V8 creates all later ones in the old generation. After a slow start it does so with objects of
// requests, and dead ones keep the young ones that they refer to alive: a process in four needed 290 instead of 210 MiB and up to a third
// more CPU. It comes before the next line, because V8 rejects code that was compiled with other options.
v8.setFlagsFromString('--no-allocation-site-pretenuring')

// Where the folder can't be written, nothing is kept.
module.enableCompileCache(fileURLToPath(new URL('.artifacts/compiled/', root)))
