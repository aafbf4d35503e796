-- migrate:up
alter table tasks
  validate constraint tasks_depth_range,
  validate constraint tasks_depth_parent;

-- migrate:down
select;
