-- migrate:up
create unlogged table rate_limits (
  key text primary key, -- the budget and a digest of the user id or the client address
  points integer not null,
  expire bigint -- ms
);

-- migrate:down
drop table rate_limits;
