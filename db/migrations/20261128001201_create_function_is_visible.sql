-- migrate:up
-- Whether a text has a character that leaves a trace on a screen.
-- Unicode 17.0, made by src/dev/unicode.ts. In PL/pgSQL, because its plan is kept for a connection.
create function is_visible(value text) returns boolean
  language plpgsql immutable strict parallel safe
as $$
begin
  return value ~ ('[^\u0001-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u115f-\u1160\u17b4-\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028-\u2029\u202f\u205f\u2800\u3000]' collate "C");
end
$$;

-- migrate:down
drop function is_visible(value text);
