-- A stand-in for the interface of Citus 13.2, for tests. It distributes nothing: it records what its functions are called with, refuses
-- what Citus refuses about names, keys and their order, and shows the records as Citus does. It knows only what this project uses.
-- Signatures, columns and messages are those of Citus. That the statements work on Citus itself, only Citus can show.
create schema citus;
create type citus.distribution_type as enum ('hash', 'range', 'append');

create table citus.pg_dist_partition (
  logicalrelid regclass not null unique,
  partmethod "char" not null, -- h: distributed by hash, n: by no column
  partkey text, -- the tree of the column, as PostgreSQL stores expressions
  colocationid integer not null default 0,
  repmodel "char" not null default 'c', -- s: distributed, t: on every node
  autoconverted boolean not null default false
);

create table citus.pg_dist_object (
  classid oid not null,
  objid oid not null,
  objsubid integer not null default 0,
  type text,
  object_names text[],
  object_args text[],
  distribution_argument_index integer,
  colocationid integer,
  force_delegation boolean,
  primary key (classid, objid, objsubid)
);

create table citus.pg_dist_node (
  nodeid integer primary key generated always as identity,
  groupid integer not null, -- 0: the coordinator
  nodename text not null default 'localhost',
  nodeport integer not null default 5432,
  noderack text not null default 'default',
  hasmetadata boolean not null default true,
  isactive boolean not null default true,
  noderole text not null default 'primary', -- an enum there
  nodecluster name not null default 'default',
  metadatasynced boolean not null default true,
  shouldhaveshards boolean not null default true,
  unique (nodename, nodeport)
);

-- As there: only a table that is moved may be in this schema.
alter table citus.pg_dist_partition set schema pg_catalog;
alter table citus.pg_dist_object set schema pg_catalog;
alter table citus.pg_dist_node set schema pg_catalog;
grant select on pg_dist_partition, pg_dist_object, pg_dist_node to public;

create function citus_version() returns text language sql immutable
return 'Citus 13.2.0 on a stand-in for tests';

create function column_to_column_name(table_name regclass, column_var_text text) returns text language sql stable strict
begin atomic
  select attname from pg_attribute where attrelid = table_name and attnum = substring(column_var_text from ':varattno (\d+)')::smallint;
end;

create function create_distributed_table(
  table_name regclass, distribution_column text, distribution_type citus.distribution_type default 'hash',
  colocate_with text default 'default', shard_count integer default null) returns void language plpgsql security definer
as $$
declare
  key smallint := (select attnum from pg_attribute where attrelid = table_name and attname = distribution_column and attnum > 0);
  colocation integer := (select coalesce(max(colocationid), 0) + 1 from pg_dist_partition);
  other regclass;
begin
  if exists (select from pg_dist_partition where logicalrelid = table_name) then
    raise exception 'table "%" is already distributed', table_name::text using errcode = 'invalid_table_definition';
  end if;
  if key is null then
    raise exception 'column "%" of relation "%" does not exist', distribution_column, table_name::text using errcode = 'undefined_column';
  end if;
  if exists (select from pg_index where indrelid = table_name and indisunique and key <> all ((indkey::smallint[])[0:indnkeyatts - 1])) then
    raise exception 'cannot create constraint on "%"', table_name::text using errcode = 'feature_not_supported',
      detail = 'Distributed relations cannot have UNIQUE, EXCLUDE, or PRIMARY KEY constraints that do not include the partition column (with an equality operator if EXCLUDE).';
  end if;
  if colocate_with not in ('default', 'none') then
    select colocationid into colocation from pg_dist_partition where logicalrelid = colocate_with::regclass and partmethod = 'h';
    if not found then
      raise exception 'relation % is not distributed', colocate_with;
    end if;
  end if;
  for other in select confrelid from pg_constraint where conrelid = table_name and contype = 'f' loop
    if not exists (select from pg_dist_partition where logicalrelid = other) then
      raise exception 'referenced table "%" must be a distributed table or a reference table', other::text using
        errcode = 'feature_not_supported';
    end if;
    if not exists (select from pg_dist_partition where logicalrelid = other and (repmodel = 't' or colocationid = colocation)) then
      raise exception 'cannot create foreign key constraint since relations are not colocated or not referencing a reference table'
        using errcode = 'feature_not_supported';
    end if;
  end loop;
  insert into pg_dist_partition values (table_name, 'h', format('{VAR :varno 1 :varattno %s}', key), colocation, 's');
end $$;

create function create_reference_table(table_name regclass) returns void language plpgsql security definer
as $$
begin
  if exists (select from pg_dist_partition where logicalrelid = table_name) then
    raise exception 'table "%" is already distributed', table_name::text using errcode = 'invalid_table_definition';
  end if;
  insert into pg_dist_partition (logicalrelid, partmethod, colocationid, repmodel)
  select table_name, 'n', coalesce(max(colocationid), 0) + 1, 't' from pg_dist_partition;
end $$;

create function create_distributed_function(
  function_name regprocedure, distribution_arg_name text default null, colocate_with text default 'default',
  force_delegation boolean default null) returns void language plpgsql security definer
as $$
begin
  insert into pg_dist_object (classid, objid) values ('pg_proc'::regclass, function_name);
exception
  when unique_violation then raise notice 'procedure % is already distributed', function_name::regproc;
end $$;

create function citus_set_coordinator_host(
  host text, port integer default current_setting('port')::integer, node_role text default 'primary', node_cluster name default 'default')
returns void language sql security definer
as $$
  delete from pg_dist_node where groupid = 0;
  insert into pg_dist_node (groupid, nodename, nodeport, shouldhaveshards) values (0, host, port, false);
$$;

create function citus_add_node(
  nodename text, nodeport integer, groupid integer default -1, noderole text default 'primary', nodecluster name default 'default')
returns integer language sql security definer
as $$
  insert into pg_dist_node (groupid, nodename, nodeport)
  select coalesce(max(node.groupid), 0) + 1, $1, $2 from pg_dist_node as node on conflict do nothing;
  select nodeid from pg_dist_node as node where node.nodename = $1 and node.nodeport = $2;
$$;

revoke all on function citus_set_coordinator_host, citus_add_node from public;

create view public.citus_tables as
select logicalrelid as table_name,
  case when partkey is not null then 'distributed' when repmodel = 't' then 'reference' else 'local' end as citus_table_type,
  coalesce(column_to_column_name(logicalrelid, partkey), '<none>') as distribution_column,
  colocationid as colocation_id,
  pg_size_pretty(pg_total_relation_size(logicalrelid)) as table_size,
  case when partmethod = 'h' then 32::bigint else 1 end as shard_count,
  pg_get_userbyid(relowner) as table_owner,
  amname as access_method
from pg_dist_partition join pg_class on pg_class.oid = logicalrelid left join pg_am on pg_am.oid = relam
order by logicalrelid::text;
grant select on public.citus_tables to public;
