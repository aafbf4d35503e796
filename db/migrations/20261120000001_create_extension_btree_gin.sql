-- migrate:up
create extension if not exists btree_gin;

-- migrate:down
drop extension btree_gin;
