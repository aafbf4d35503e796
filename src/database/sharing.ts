// Whether callers share statements. Citus can't run the shared forms: it refuses them as not supported (0A000). Each refusal costs a
// round trip, so sharing stops at the first one.
export type Sharing = {
  isOn: () => boolean
  /** The database has refused a shared form because it does not support it. */
  stop: (error: unknown) => void
  /** shared statements that were refused so far */
  refused: () => number
}

/** `onStop` is called once, with the error of the database. */
export function createSharing(isOn: boolean, onStop: (error: unknown) => void = () => {}): Sharing {
  let refused = 0

  return {
    isOn: () => isOn,
    stop(error) {
      refused += 1
      if (isOn) onStop(error)
      isOn = false
    },
    refused: () => refused,
  }
}
