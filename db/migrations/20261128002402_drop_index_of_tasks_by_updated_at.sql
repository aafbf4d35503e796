-- migrate:up transaction:false
-- The order of the last changes is that of the revisions.
drop index concurrently tasks_updated_at_idx;

-- migrate:down transaction:false
create index concurrently tasks_updated_at_idx
  on tasks (owner_id, updated_at, id)
  where deleted_at is null;
