-- The server's own role: it works with the rows and can't change the schema. Run this as the owner of the schema, after
-- `npm run migrate`, and give the role a password: alter role taskspec_server password '…'. It may be run again.
do $$
begin
  create role taskspec_server login;
exception
  when duplicate_object then null;
end $$;
grant select, insert, update, delete on users, categories, tasks, rate_limits to taskspec_server;
grant select on schema_migrations to taskspec_server;
-- What later migrations make.
alter default privileges in schema public grant select, insert, update, delete on tables to taskspec_server;
-- What the server asks of each connection itself, where no pooler stands between.
alter role taskspec_server set statement_timeout = '1500ms';
alter role taskspec_server set jit = off;
