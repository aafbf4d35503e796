-- The superuser runs this once on each node of Citus, after owner.sql: the image does so when it creates its cluster.
\connect taskspec
create extension citus;
