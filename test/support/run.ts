// The verdict judges the record of the whole suite: the record must be of this run, and of every file with a server.
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** `id` is the same in every global setup of a run. `files` are those that the verdict needs. */
    run: { id: number; files: string[] }
  }
}

export default async function setup(project: TestProject) {
  const before = project.vitest.projects.filter(({ name }) => !['static', 'verdict'].includes(name))
  const files = (await Promise.all(before.map(each => each.globTestFiles()))).flatMap(({ testFiles }) => testFiles)
  project.provide('run', { id: performance.timeOrigin, files })
}
