-- migrate:up
create table idempotency_keys (
  owner_id text collate "C" not null,
  operation text collate "C" not null,
  key_hash bytea not null,
  request_hash bytea not null,
  -- null until the request has taken effect
  status integer,
  reply jsonb,
  created_at timestamptz not null default now(),
  constraint idempotency_keys_pkey primary key (owner_id, operation, key_hash),
  constraint idempotency_keys_owner_fkey foreign key (owner_id) references users (id) on delete cascade,
  constraint idempotency_keys_reply check ((status is null) = (reply is null))
);

-- migrate:down
drop table idempotency_keys;
