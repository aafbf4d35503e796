-- migrate:up
create type calendar_kind as enum ('todo', 'event');

-- migrate:down
drop type calendar_kind;
