-- migrate:up
create index tasks_priority_idx
  on tasks (owner_id, priority, id)
  where deleted_at is null;

-- migrate:down
drop index tasks_priority_idx;
