-- migrate:up
alter table tasks validate constraint tasks_recurrence_shape;

-- migrate:down
select;
