-- migrate:up
create function labels_fit(labels text[], longest integer) returns boolean
  language sql immutable strict parallel safe
  return (select coalesce(bool_and(char_length(label) between 1 and longest), true) from unnest(labels) as label);

-- migrate:down
drop function labels_fit(text[], integer);
