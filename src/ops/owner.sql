-- The role that owns and migrates the schema. It is not a superuser. It creates the server's role (db/roles.sql) and the databases
-- that backups are restored into.
-- The superuser runs this once: PostgreSQL's image does so when it creates its cluster.
\getenv password OWNER_PASSWORD
create role taskspec_owner login createrole createdb password :'password';
create database taskspec owner taskspec_owner;
