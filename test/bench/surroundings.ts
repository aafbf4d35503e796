// For handlers without a server: what they need of a process, without lists in memory and without events.
import type { Surroundings } from '../../src/handlers/index.ts'
import { createListCache } from '../../src/resource/list-cache.ts'

export const surroundings: Surroundings = {
  stopping: new AbortController().signal,
  publicUrl: null,
  privateWebhooks: false,
  lists: createListCache(0, () => 0),
  async openEvents() {
    throw new Error('There is no server.')
  },
}
