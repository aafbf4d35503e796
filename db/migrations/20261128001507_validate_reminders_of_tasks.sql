-- migrate:up
alter table tasks
  validate constraint tasks_reminders_count,
  validate constraint tasks_reminders_minutes_range;

-- migrate:down
select;
