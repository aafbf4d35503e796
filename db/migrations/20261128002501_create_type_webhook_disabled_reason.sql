-- migrate:up
create type webhook_disabled_reason as enum ('user', 'failing', 'gone');

-- migrate:down
drop type webhook_disabled_reason;
