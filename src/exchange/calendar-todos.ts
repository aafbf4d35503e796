// VTODO as tasks: as this API writes them, and as Apple Reminders, Nextcloud Tasks, Tasks.org, Thunderbird and Evolution do.
import { type Component, readComponents } from './calendar-components.ts'
import { parseProperties } from './calendar-properties.ts'
import { type Fault, isFault, type Row, type Source } from './item.ts'
import { taskOf } from './todo-task.ts'

/**
 * The tasks of a file, in its order: a subtask may come before its parent, and the caller orders them. No rule is expanded and no VTIMEZONE
 * is read.
 */
export async function* readTodos(source: Source): AsyncGenerator<Row, void> {
  for await (const component of readComponents(source)) {
    if (isFault(component)) yield component
    else yield* read(component)
  }
}

function* read({ line, lines, alarms }: Component): Generator<Row, void> {
  const parsed = [lines, ...alarms].map(parseProperties)
  const malformed = parsed.find(each => 'place' in each)
  if (malformed !== undefined) return yield { ...malformed, reason: 'The property is malformed, or not UTF-8.', lost: 'row' }
  const [properties, ...alarmProperties] = parsed.flatMap(each => ('properties' in each ? [each.properties] : []))
  if (properties === undefined) return
  const recurrenceId = properties.get('recurrence-id')?.[0]
  if (recurrenceId !== undefined) {
    const reason = 'It changes one date of a series. A series of this API has no such exceptions.'
    return yield { line: recurrenceId.line, place: 'RECURRENCE-ID', reason, lost: 'row' }
  }
  const { item, faults } = taskOf(properties, alarmProperties)
  // The row is lost once.
  const first = faults.find(({ lost }) => lost === 'row')
  yield* faults.map((fault): Fault => (fault === first ? fault : { ...fault, lost: 'value' }))
  if (first === undefined) yield { line, item }
}
