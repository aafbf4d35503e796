-- migrate:up
alter table tasks
  validate constraint tasks_start_date_range,
  validate constraint tasks_deadline_date_range,
  validate constraint tasks_duration_minutes_range;

-- migrate:down
select;
