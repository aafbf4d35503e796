-- migrate:up transaction:false
create index concurrently tasks_reminders_idx
  on tasks (
    owner_id,
    reminder_edge(reminders, due_date + coalesce(due_time, '09:00'::time), true),
    reminder_edge(reminders, due_date + coalesce(due_time, '09:00'::time), false))
  where deleted_at is null and completed_at is null and reminders <> '[]';

-- migrate:down transaction:false
drop index concurrently tasks_reminders_idx;
