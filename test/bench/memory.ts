// Preloaded into a server that runs with `--expose-gc`: on SIGUSR2 it collects garbage and writes its memory to the file MEMORY_FILE.
import { renameSync, writeFileSync } from 'node:fs'

const file = process.env.MEMORY_FILE as string

process.on('SIGUSR2', () => {
  globalThis.gc?.()
  writeFileSync(`${file}.part`, JSON.stringify(process.memoryUsage()))
  renameSync(`${file}.part`, file) // so that a reader never finds half of it
})
