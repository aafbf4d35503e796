// The model of the profile, and of the account as a whole.
import type { components } from '../../../generated/api.ts'
import { type Conditions, changed, done, type Expected, forbids, read, shown } from './replies.ts'
import { type State, stored } from './state.ts'

export function createProfile(state: State) {
  return {
    get(conditions: Conditions): Expected {
      const profile = state.meet()
      return read(profile, conditions, shown(200, profile))
    },

    patch(body: components['schemas']['UserPatch'], conditions: Conditions): Expected {
      const profile = state.meet()
      if (forbids(conditions)) return changed(profile)
      if (Object.keys(body).length === 0) return shown(200, profile)
      Object.assign(profile, stored(body, ['name', 'timeZone']))
      state.change([profile])
      return shown(200, profile)
    },

    remove(conditions: Conditions): Expected {
      const { profile } = state
      if (profile === undefined ? conditions.ifMatch !== undefined : forbids(conditions)) return changed(profile)
      state.erase()
      return done
    },
  }
}
