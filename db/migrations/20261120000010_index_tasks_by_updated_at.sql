-- migrate:up
create index tasks_updated_at_idx
  on tasks (owner_id, updated_at, id)
  where deleted_at is null;

-- migrate:down
drop index tasks_updated_at_idx;
