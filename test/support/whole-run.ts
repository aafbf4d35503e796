// Before each file of the verdict: it fails if the record is of an earlier run, or of a part of the suite.
import { inject } from 'vitest'
import { readRecord } from './record.ts'

const { id, files } = inject('run')
const [recordedId] = await readRecord<number>('run').catch(() => [])
if (files.length === 0 || recordedId !== id)
  throw new Error('The verdict judges the record of the whole suite, and this run recorded nothing. Run: npm test')

const ran = new Set(await readRecord<string>('files'))
const missing = files.filter(file => !ran.has(file))
if (missing.length > 0) throw new Error(`The verdict judges the whole suite, and these files did not run: ${missing.join(', ')}`)
