-- migrate:up transaction:false
create index concurrently tasks_due_idx
  on tasks (owner_id, coalesce(due_date, 'infinity'::date), coalesce(due_time, '24:00'::time), id)
  where deleted_at is null;

-- migrate:down transaction:false
drop index concurrently tasks_due_idx;
