-- migrate:up
-- Each text as `folded` returns it.
create function folded_all(list text[]) returns text[]
  language sql immutable strict parallel safe
  return (select coalesce(array_agg(folded(each)), '{}') from unnest(list) as each);

-- migrate:down
drop function folded_all(text[]);
