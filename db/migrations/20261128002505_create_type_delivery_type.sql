-- migrate:up
create type delivery_type as enum ('changes', 'reminder', 'test', 'reset');

-- migrate:down
drop type delivery_type;
