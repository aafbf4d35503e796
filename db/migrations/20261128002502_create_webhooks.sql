-- migrate:up
create table webhooks (
  owner_id text collate "C" not null,
  id uuid not null,
  url text not null,
  kinds text[] not null,
  enabled boolean not null generated always as (disabled_at is null) stored,
  -- as it signs, because HMAC needs the secret itself; empty in a tombstone
  secret text not null,
  previous_secret text,
  previous_secret_until timestamptz,
  -- The last change that was delivered. A row of an id that no row has means all changes of the revision.
  delivered_revision bigint not null,
  delivered_kind text not null default 'webhook',
  delivered_id text not null default 'ffffffff-ffff-ffff-ffff-ffffffffffff',
  -- the reminders before this instant were delivered
  reminded_until timestamptz not null default now(),
  failing_since timestamptz,
  attempts integer not null default 0,
  next_attempt_at timestamptz,
  leased_until timestamptz,
  disabled_at timestamptz,
  disabled_reason webhook_disabled_reason,
  request_hash bytea,
  revision bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  constraint webhooks_pkey primary key (owner_id, id),
  constraint webhooks_owner_fkey foreign key (owner_id) references users (id) on delete cascade,
  constraint webhooks_url_length check (char_length(url) between 1 and 2048),
  constraint webhooks_kinds_count check (cardinality(kinds) between 1 and 5),
  constraint webhooks_kinds_values check (kinds <@ array['user', 'category', 'task', 'calendar', 'reminder']),
  constraint webhooks_delivered_revision_range check (delivered_revision >= 0),
  constraint webhooks_revision_range check (revision >= 0)
);

-- migrate:down
drop table webhooks;
