-- The role that owns the schema and migrates it. It is no superuser, and makes the server's role by db/roles.sql and the databases
-- that backups are restored into.
-- Run by the superuser, once: PostgreSQL's image does it when it makes its cluster.
\getenv password OWNER_PASSWORD
create role taskspec_owner login createrole createdb password :'password';
create database taskspec owner taskspec_owner;
