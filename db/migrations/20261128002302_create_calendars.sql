-- migrate:up
create table calendars (
  owner_id text collate "C" not null,
  id uuid not null,
  name text not null,
  kind calendar_kind not null,
  category_ids uuid[],
  labels text[],
  -- SHA-256 of the secret in the link, which is stored nowhere
  token_hash bytea not null,
  last_used_at timestamptz,
  request_hash bytea,
  revision bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  constraint calendars_pkey primary key (owner_id, id),
  constraint calendars_owner_fkey foreign key (owner_id) references users (id) on delete cascade,
  constraint calendars_name_length check (char_length(name) between 1 and 100),
  constraint calendars_name_visible check (is_visible(name)),
  constraint calendars_category_ids_count check (cardinality(category_ids) between 1 and 20),
  constraint calendars_labels_count check (cardinality(labels) between 1 and 20),
  constraint calendars_labels_length check (labels_fit(labels, 50)),
  constraint calendars_labels_visible check ('' <> all (folded_all(labels))),
  constraint calendars_revision_range check (revision >= 0)
);

-- migrate:down
drop table calendars;
