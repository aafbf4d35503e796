-- migrate:up
alter table tasks
  add constraint tasks_depth_range check (depth between 0 and 7) not valid,
  add constraint tasks_depth_parent check ((depth = 0) = (parent_id is null)) not valid;

-- migrate:down
alter table tasks
  drop constraint tasks_depth_range,
  drop constraint tasks_depth_parent;
