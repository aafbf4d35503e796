-- migrate:up
alter table tasks
  add constraint tasks_reminders_count check (jsonb_array_length(reminders) <= 10) not valid,
  add constraint tasks_reminders_minutes_range
    check (not jsonb_path_exists(reminders, '$[*].minutesBefore ? (@ < 0 || @ > 525600)')) not valid;

-- migrate:down
alter table tasks
  drop constraint tasks_reminders_count,
  drop constraint tasks_reminders_minutes_range;
