-- migrate:up
create table tasks (
  owner_id text collate "C" not null,
  id uuid not null,
  category_id uuid,
  category_live boolean not null generated always as (true) stored,
  title text not null,
  description text,
  completed boolean not null generated always as (completed_at is not null) stored,
  completed_at timestamptz,
  priority task_priority not null,
  due_date date,
  due_time time,
  time_zone text,
  labels text[] not null,
  revision bigint not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  constraint tasks_pkey primary key (owner_id, id),
  constraint tasks_owner_fkey foreign key (owner_id) references users (id) on delete cascade,
  constraint tasks_category_fkey foreign key (owner_id, category_id, category_live) references categories (owner_id, id, live),
  constraint tasks_title_length check (char_length(title) between 1 and 500),
  constraint tasks_description_length check (char_length(description) between 1 and 10000),
  constraint tasks_due_date_range check (due_date between '0001-01-01' and '9999-12-31'),
  constraint tasks_due_time_needs_due_date check (due_time is null or due_date is not null),
  constraint tasks_time_zone_length check (char_length(time_zone) between 1 and 64),
  constraint tasks_labels_count check (cardinality(labels) <= 50),
  constraint tasks_labels_length check (labels_fit(labels, 50)),
  constraint tasks_revision_range check (revision >= 0)
);

-- migrate:down
drop table tasks;
