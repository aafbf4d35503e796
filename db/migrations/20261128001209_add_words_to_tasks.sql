-- migrate:up
-- online: no, the only exception. It rewrites the table while statements on tasks wait: see "The rewrite of release 0.4" in db/README.md.
-- PostgreSQL adds a stored column in no other way, so both are added at once.
alter table tasks
  add column words tsvector generated always as (search_words(owner_id, search_text(title || ' ' || coalesce(description, '')))) stored,
  add column label_names text[] generated always as (case when labels = '{}' then '{}' else folded_all(labels) end) stored;

-- migrate:down
alter table tasks
  drop column words,
  drop column label_names;
