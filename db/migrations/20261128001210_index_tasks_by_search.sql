-- migrate:up transaction:false
create index concurrently tasks_search_idx
  on tasks using gin (words) -- each word begins with its owner: see search_words
  with (fastupdate = off) -- otherwise every search also scans the latest writes of all users
  where deleted_at is null;

-- migrate:down transaction:false
drop index concurrently tasks_search_idx;
