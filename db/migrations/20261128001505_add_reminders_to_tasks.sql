-- migrate:up
alter table tasks add column reminders jsonb not null default '[]';

-- migrate:down
alter table tasks drop column reminders;
