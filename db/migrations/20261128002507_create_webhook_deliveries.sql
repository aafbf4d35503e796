-- migrate:up
create table webhook_deliveries (
  owner_id text collate "C" not null,
  webhook_id uuid not null,
  -- the header `webhook-id` of each attempt
  id uuid not null,
  type delivery_type not null,
  state delivery_state not null default 'pending',
  from_revision bigint,
  -- The last change in it; of a reminder, the task as `to_id` and its instant. Null for a test.
  to_revision bigint,
  to_kind text,
  to_id text,
  to_at timestamptz,
  attempts integer not null default 0,
  response_status integer,
  error text,
  duration_ms integer,
  created_at timestamptz not null default now(),
  last_attempt_at timestamptz,
  constraint webhook_deliveries_pkey primary key (owner_id, webhook_id, id),
  constraint webhook_deliveries_webhook_fkey foreign key (owner_id, webhook_id) references webhooks (owner_id, id) on delete cascade,
  constraint webhook_deliveries_error_length check (char_length(error) between 1 and 500)
);

-- migrate:down
drop table webhook_deliveries;
