-- migrate:up
create table users (
  id text collate "C" not null,
  email text,
  name text,
  time_zone text,
  revision bigint not null,
  profile_revision bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint users_pkey primary key (id),
  constraint users_id_length check (char_length(id) between 1 and 255),
  constraint users_email_length check (char_length(email) between 1 and 320),
  constraint users_name_length check (char_length(name) between 1 and 200),
  constraint users_time_zone_length check (char_length(time_zone) between 1 and 64),
  constraint users_revision_range check (revision >= 0),
  constraint users_revision_of_profile check (profile_revision between 0 and revision)
);

-- migrate:down
drop table users;
