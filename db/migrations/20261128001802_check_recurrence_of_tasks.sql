-- migrate:up
-- Without `is true`, an absent part would be null, and a check passes then.
alter table tasks
  add constraint tasks_recurrence_shape check (recurrence is null or (
    jsonb_typeof(recurrence -> 'rule') = 'string' and char_length(recurrence ->> 'rule') between 10 and 500
    and recurrence ->> 'from' in ('due', 'completion')) is true) not valid;

-- migrate:down
alter table tasks drop constraint tasks_recurrence_shape;
