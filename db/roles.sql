-- The database role of the server: it can read and write rows, but cannot change the schema. Run this file as the owner of the schema,
-- after `npm run migrate`. Then set a password: alter role taskspec_server password '…'. The file can be run again.
do $$
begin
  create role taskspec_server login;
exception
  when duplicate_object then null;
end $$;
grant select, insert, update, delete on users, categories, tasks, calendars, webhooks, webhook_deliveries, idempotency_keys, rate_limits to taskspec_server;
grant select on schema_migrations to taskspec_server;
-- Tables of later migrations.
alter default privileges in schema public grant select, insert, update, delete on tables to taskspec_server;
-- Without a pooler the server sets these for each connection. Through a pooler it cannot, so the role has them.
alter role taskspec_server set statement_timeout = '1500ms';
alter role taskspec_server set idle_in_transaction_session_timeout = '10s';
alter role taskspec_server set jit = off;
alter role taskspec_server set timezone = 'UTC';
alter role taskspec_server set datestyle = 'ISO, MDY';
alter role taskspec_server set search_path = public;
