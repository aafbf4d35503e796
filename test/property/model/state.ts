// What an account has stored, as the model knows it. What the server chooses is undefined until a reply shows it.
import type { components } from '../../../generated/api.ts'

type Schemas = components['schemas']
type Learned = 'createdAt' | 'updatedAt' | 'completedAt' | 'sortKey' | 'nextOccurrenceId'
type Row<Shape> = { [Field in keyof Shape]: Field extends Learned ? Shape[Field] | undefined : Shape[Field] }
export type Task = Row<Schemas['Task']>
export type Category = Row<Schemas['Category']>
export type Profile = Row<Schemas['User']>
export type AnyRow = Task | Category | Profile
export type Kind = 'categories' | 'tasks'

/** Rows that one request deleted. The last deletion has the highest number. */
export type Deletion = { number: number; at: string | undefined }
export type Deleted<Of> = { row: Of; deletion: Deletion }

export type State = ReturnType<typeof createState>

/** `start` gives the revision before the first change of the account, which only the server knows. */
export function createState(user: { id: string; email: string; name: string }, start: () => number) {
  let deletions = 0
  const state = {
    /** The number of the last change; 0 if there is no account. */
    revision: 0,
    profile: undefined as Profile | undefined,
    tasks: new Map<string, Task>(),
    categories: new Map<string, Category>(),
    /** The ids of next occurrences, by the id and the next date of the task before. They stay the same when a task comes again. */
    followers: new Map<string, string>(),
    trash: { tasks: new Map<string, Deleted<Task>>(), categories: new Map<string, Deleted<Category>>() },

    /** The first contact is a change of its own: it makes the account. */
    meet(): Profile {
      if (state.profile !== undefined) return state.profile
      state.revision = start() + 1
      state.profile = { ...user, timeZone: null, revision: state.revision, createdAt: undefined, updatedAt: undefined }
      return state.profile
    },

    /** Counts a change of these rows. All of them get its number. One that inserts several rows counts as so many. */
    change(rows: AnyRow[], by = 1): void {
      state.meet()
      state.revision += by
      for (const row of rows) Object.assign(row, { revision: state.revision, updatedAt: undefined })
    },

    createDeletion: (): Deletion => ({ number: ++deletions, at: undefined }),

    erase(): void {
      state.revision = 0
      state.profile = undefined
      for (const rows of [state.tasks, state.categories, state.followers, state.trash.tasks, state.trash.categories]) rows.clear()
    },
  }
  return state
}

/** The fields of a body as they are stored: an empty text in a field that can be null is null. */
export function stored<Body extends object>(body: Body, nullable: string[]): Body {
  const fields = Object.entries(body).map(([name, value]) => [name, value === '' && nullable.includes(name) ? null : value])
  return Object.fromEntries(fields) as Body
}

export const byText = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** An instant as text that sorts: with all six digits of its second's fraction. */
export function instant(text: string | undefined): string {
  const [seconds = '', fraction = ''] = (text ?? '').replace('Z', '').split('.')
  return `${seconds}.${fraction.padEnd(6, '0')}`
}
