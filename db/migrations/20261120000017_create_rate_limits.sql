-- migrate:up
create unlogged table rate_limits (
  key text primary key, -- budget and digest of who is counted
  points integer not null,
  expire bigint -- ms
);

-- migrate:down
drop table rate_limits;
