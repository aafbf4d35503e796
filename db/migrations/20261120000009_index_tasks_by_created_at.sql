-- migrate:up
create index tasks_created_at_idx
  on tasks (owner_id, created_at, id)
  where deleted_at is null;

-- migrate:down
drop index tasks_created_at_idx;
