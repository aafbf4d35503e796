-- migrate:up
create type task_priority as enum ('none', 'low', 'medium', 'high');

-- migrate:down
drop type task_priority;
