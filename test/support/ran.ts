// Records that a file with a server has run.
import { expect } from 'vitest'
import { record } from './record.ts'

record('files', expect.getState().testPath)
