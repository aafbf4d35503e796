-- Registers the nodes of compose.citus.yaml at the coordinator, as superuser. It can be run again. For another worker, add a line.
select citus_set_coordinator_host('database', 5432) where not exists (select from pg_dist_node where nodename = 'database');
select citus_add_node('worker-1', 5432) where not exists (select from pg_dist_node where nodename = 'worker-1');
select citus_add_node('worker-2', 5432) where not exists (select from pg_dist_node where nodename = 'worker-2');
