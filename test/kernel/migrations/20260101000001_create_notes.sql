-- migrate:up
create table owners (id text primary key, revision bigint not null);
create table notes (
  owner_id text not null references owners, id uuid not null, text text not null, revision bigint not null,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(), deleted_at timestamptz,
  primary key (owner_id, id)
);

-- migrate:down
drop table notes;
drop table owners;
