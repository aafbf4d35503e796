-- migrate:up transaction:false
drop index concurrently tasks_words_idx;

-- migrate:down transaction:false
create index concurrently tasks_words_idx
  on tasks using gin (owner_id, to_tsvector('simple', title || ' ' || coalesce(description, '')))
  with (fastupdate = off)
  where deleted_at is null;
