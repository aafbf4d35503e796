-- migrate:up
alter table tasks
  add column start_date date,
  add column deadline_date date,
  add column duration_minutes integer;

-- migrate:down
alter table tasks
  drop column start_date,
  drop column deadline_date,
  drop column duration_minutes;
