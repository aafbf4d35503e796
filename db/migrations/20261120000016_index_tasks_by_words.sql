-- migrate:up
create index tasks_words_idx
  on tasks using gin (owner_id, to_tsvector('simple', title || ' ' || coalesce(description, '')))
  with (fastupdate = off) -- otherwise every search also scans the latest writes of all users
  where deleted_at is null;

-- migrate:down
drop index tasks_words_idx;
