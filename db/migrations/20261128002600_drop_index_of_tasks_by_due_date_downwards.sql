-- migrate:up transaction:false
drop index concurrently tasks_due_downwards_idx;

-- migrate:down transaction:false
create index concurrently tasks_due_downwards_idx
  on tasks (owner_id, coalesce(due_date, '-infinity'::date), coalesce(due_time, '24:00'::time), id)
  where deleted_at is null;
