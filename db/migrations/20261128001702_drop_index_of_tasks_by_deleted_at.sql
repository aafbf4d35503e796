-- migrate:up transaction:false
-- tasks_trash_idx begins with the same columns.
drop index concurrently tasks_deleted_at_idx;

-- migrate:down transaction:false
create index concurrently tasks_deleted_at_idx
  on tasks (owner_id, deleted_at)
  where deleted_at is not null;
