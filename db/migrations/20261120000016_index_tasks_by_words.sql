-- migrate:up
create index tasks_words_idx
  on tasks using gin (owner_id, to_tsvector('simple', title || ' ' || coalesce(description, '')))
  with (fastupdate = off) -- else every search reads what everybody wrote last
  where deleted_at is null;

-- migrate:down
drop index tasks_words_idx;
