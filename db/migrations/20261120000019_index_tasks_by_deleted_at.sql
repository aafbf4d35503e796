-- migrate:up transaction:false
create index concurrently tasks_deleted_at_idx
  on tasks (owner_id, deleted_at)
  where deleted_at is not null;

-- migrate:down transaction:false
drop index concurrently tasks_deleted_at_idx;
