-- migrate:up
create type delivery_state as enum ('pending', 'delivered', 'failed', 'cancelled');

-- migrate:down
drop type delivery_state;
