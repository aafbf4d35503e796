-- Distributes the tables over the nodes of Citus: each user with all of their rows to one node. Run this file on the coordinator as the
-- role that owns the schema, after `npm run migrate`, when all nodes are registered:
--   psql --no-psqlrc --set ON_ERROR_STOP=1 --file db/distribute.sql "$MIGRATION_DATABASE_URL"
-- It can be run again: it leaves what is distributed, and continues where a run ended. Each statement is a transaction of its own. Do not
-- use --single-transaction: Citus then refuses to distribute tables that have rows.
do $$
begin
  if not exists (select from pg_extension where extname = 'citus') then
    raise exception 'The extension citus is not in the database "%".', current_database()
      using hint = 'On every node: add citus to shared_preload_libraries, restart PostgreSQL, and as a superuser in this database: create extension citus;';
  end if;
end $$;

-- Citus creates functions on every node if they are created after the extension. Of the others it creates those that a table names, but
-- not those that a statement or another function calls.
select create_distributed_function(function)
from unnest(array[
    'public.is_visible(text)',
    'public.folded(text)',
    'public.folded_all(text[])',
    'public.labels_fit(text[], integer)',
    'public.search_text(text)',
    'public.search_words(text, text)',
    'public.search_query(text, text)',
    'public.instant_of(timestamp without time zone, text)',
    'public.reminder_edge(jsonb, timestamp without time zone, boolean)'
  ]::regprocedure[]) as function
where function not in (select objid from pg_dist_object where classid = 'pg_proc'::regclass);

-- On every node, so that each of them can tell which migrations are applied.
select create_reference_table('public.schema_migrations')
where 'public.schema_migrations'::regclass not in (select logicalrelid from pg_dist_partition);

-- A table comes after those that it references, and rows of one owner are on one node: so foreign keys hold, and a statement needs one node.
select create_distributed_table('public.users', 'id', colocate_with => 'none')
where 'public.users'::regclass not in (select logicalrelid from pg_dist_partition);

select create_distributed_table('public.categories', 'owner_id', colocate_with => 'public.users')
where 'public.categories'::regclass not in (select logicalrelid from pg_dist_partition);

select create_distributed_table('public.tasks', 'owner_id', colocate_with => 'public.users')
where 'public.tasks'::regclass not in (select logicalrelid from pg_dist_partition);

select create_distributed_table('public.calendars', 'owner_id', colocate_with => 'public.users')
where 'public.calendars'::regclass not in (select logicalrelid from pg_dist_partition);

select create_distributed_table('public.webhooks', 'owner_id', colocate_with => 'public.users')
where 'public.webhooks'::regclass not in (select logicalrelid from pg_dist_partition);

select create_distributed_table('public.webhook_deliveries', 'owner_id', colocate_with => 'public.users')
where 'public.webhook_deliveries'::regclass not in (select logicalrelid from pg_dist_partition);

select create_distributed_table('public.idempotency_keys', 'owner_id', colocate_with => 'public.users')
where 'public.idempotency_keys'::regclass not in (select logicalrelid from pg_dist_partition);

-- Not with the users: an unlogged table cannot move to another node while it is written, and would keep the tables beside it from moving.
select create_distributed_table('public.rate_limits', 'key', colocate_with => 'none')
where 'public.rate_limits'::regclass not in (select logicalrelid from pg_dist_partition);
