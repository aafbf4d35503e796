-- migrate:up
create table categories (
  owner_id text collate "C" not null,
  id uuid not null,
  name text not null,
  color text,
  position integer not null,
  revision bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  -- part of the key that tasks reference, so that no task can reference a deleted category, even after a race
  live boolean not null generated always as (deleted_at is null) stored,
  constraint categories_pkey primary key (owner_id, id),
  constraint categories_live_key unique (owner_id, id, live),
  constraint categories_owner_fkey foreign key (owner_id) references users (id) on delete cascade,
  constraint categories_name_length check (char_length(name) between 1 and 100),
  constraint categories_color_pattern check (color ~ '^#[0-9A-Fa-f]{6}$'),
  constraint categories_position_range check (position between 0 and 1000000),
  constraint categories_revision_range check (revision >= 0)
);

-- migrate:down
drop table categories;
