-- migrate:up
-- `reminded_until` and `reminded_id` are the last reminder that was delivered: the instant and the task. `remind_at` is when to look for the
-- next one, null for at once.
alter table webhooks
  add column reminded_id uuid not null default '00000000-0000-0000-0000-000000000000',
  add column remind_at timestamptz;

-- migrate:down
alter table webhooks
  drop column reminded_id,
  drop column remind_at;
