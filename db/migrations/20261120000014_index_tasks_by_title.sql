-- migrate:up
create index tasks_title_idx
  on tasks (owner_id, left(title, 100) collate "und-x-icu", id)
  where deleted_at is null;

-- migrate:down
drop index tasks_title_idx;
