-- migrate:up
alter table tasks
  add column recurrence jsonb,
  add column next_occurrence_id uuid;

-- migrate:down
alter table tasks
  drop column recurrence,
  drop column next_occurrence_id;
