// `sort=relevance`: the tasks whose title has all words of `q` come before the others, each newest first. The words of a title are not
// stored, and making them takes 10 µs or more. So only the newest `rankedMatches` are ranked; the older ones follow.
// A cursor names the first and the last task that were ranked, so that a task keeps its rank while others are written.
import type { Database } from '../database/database.ts'
import { flattened, type Part, sql } from '../database/sql.ts'
import { createPage, parseCursor } from '../resource/page.ts'
import { withRevision } from './revision.ts'
import { askedWords, createSearch, hits, type Search, type Searched } from './search.ts'
import type { Task } from './task.ts'

type Listed = Task & { asOf: number }
/** `place` is the key of a cursor behind the task: its rank and instant, then the instants of the newest and oldest ranked task, and its id. */
type Placed = Listed & { rank: number | undefined; place: string | undefined }
/** A place in parts, with the id of the task. An absent part is empty, which PostgreSQL refuses as it does every forged one. */
type Position = { rank: string; createdAt: string; newest: string; oldest: string; oldestId: string; id: string }
type Asked = Omit<Search, 'order' | 'scans'> & { limit: number }

const rankedMatches = 200 // as the spec says
const newestFirst = sql`created_at desc, id desc`
const byRank = sql`rank desc, created_at desc, id desc`
/** 2: the title has all words, 1: it has not, 0: older than the ranked ones */
const older = '0'

export function createRelevance(db: Pick<Database, 'read'>, searched: Searched) {
  const search = createSearch<Listed>(db, searched)
  const columns = flattened(sql`${searched.columns}, rank, place`)

  return async (asked: Asked, cursor: string | undefined) => {
    const { limit } = asked
    const position = cursor === undefined ? undefined : parsePosition(cursor)
    if (position?.rank === older) {
      const condition = sql`(created_at, id) < (${position.createdAt}, ${position.id})`
      const found = await search({ ...asked, scans: [{ condition, order: newestFirst }], order: newestFirst }, false)
      return createPage(found, limit, 'relevance', ({ createdAt }) => [older, createdAt].join('|'))
    }
    const items = ranked(searched, asked, position)
    const found = await db.read<Placed>('select tasks', sql`${withRevision(asked.owner, columns, items)} order by ${byRank}`)
    const page = createPage(found, limit, 'relevance', ({ place = '' }) => place)
    for (const row of page.body.items) row.rank = row.place = undefined
    return page
  }
}

function parsePosition(cursor: string): Position {
  const { key, id } = parseCursor(cursor, 'relevance')
  const [rank = '', createdAt = '', newest = '', oldest = '', oldestId = ''] = key?.split('|') ?? []
  return { rank, createdAt, newest, oldest, oldestId, id }
}

/** A page by rank: the first one, or the one after a position. */
function ranked(searched: Searched, asked: Asked, position: Position | undefined): Part {
  const { columns } = searched
  const { owner, q, count } = asked
  const { after, isOlder, isNext, span, matches } = position === undefined ? first : following(position)
  return sql`
    (
      select ${columns}, rank, concat_ws('|', rank, created_at, ${span}) as place
      from (
        select ${columns}, newest, oldest, oldest_id,
          case
            when ${isOlder} then 0
            when description is null or search_words(${owner}, search_text(title)) @@ ${askedWords(owner, q)} then 2
            else 1
          end as rank
        from (
          select ${columns},
            first_value(created_at) over matches as newest,
            last_value(created_at) over matches as oldest,
            last_value(id) over matches as oldest_id
          from (select ${columns} from (${hits(searched, { ...asked, after })}) as item order by ${newestFirst} limit ${matches}) as item
          window matches as (order by ${newestFirst} rows between unbounded preceding and unbounded following)) as item) as item
      where ${isNext}
      order by ${byRank}
      limit ${count}) as item`
}

const first = {
  after: [] as Part[],
  isOlder: sql`false`,
  isNext: sql`true`,
  span: sql`newest, oldest, oldest_id`,
  matches: rankedMatches,
}

function following({ rank, createdAt, newest, oldest, oldestId, id }: Position): typeof first {
  return {
    after: [sql`and created_at <= ${newest}`], // what was created since would push out the oldest
    isOlder: sql`(created_at, id) < (${oldest}, ${oldestId})`,
    isNext: sql`(rank, created_at, id) < (${rank}, ${createdAt}, ${id})`,
    span: sql`${[newest, oldest, oldestId].join('|')}::text`,
    matches: 2 * rankedMatches, // the ranked ones, and a page of older ones
  }
}
