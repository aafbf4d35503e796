-- migrate:up
alter table tasks
  add constraint tasks_start_date_range check (start_date between '0001-01-01' and '9999-12-31') not valid,
  add constraint tasks_deadline_date_range check (deadline_date between '0001-01-01' and '9999-12-31') not valid,
  add constraint tasks_duration_minutes_range check (duration_minutes between 1 and 525600) not valid;

-- migrate:down
alter table tasks
  drop constraint tasks_start_date_range,
  drop constraint tasks_deadline_date_range,
  drop constraint tasks_duration_minutes_range;
