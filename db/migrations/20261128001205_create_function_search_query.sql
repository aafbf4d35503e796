-- migrate:up
-- Finds the `search_words` that have all words of a `search_text`. The last word is a prefix; so is a single character of a run without
-- blanks. Without a word it finds nothing.
-- Unicode 17.0, made by src/dev/unicode.ts. In PL/pgSQL, because its plan is kept for a connection.
create function search_query(owner text, value text) returns tsquery
  language plpgsql immutable strict parallel safe
as $$
declare
  key text := lpad(to_hex(hashtext(owner)), 8, '0');
  words text[];
begin
  if value ~ ('[\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]' collate "C") then
    -- The pairs from the second character of a run on, and then those from the first.
    value := regexp_replace(' ' || value, ' [\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]' collate "C", ' ', 'g') || ' ' || value;
    value := regexp_replace(value, '[\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]{2}' collate "C", '\& ', 'g');
    value := btrim(regexp_replace(value, ' +' collate "C", ' ', 'g'), ' ');
  end if;
  words := string_to_array(value, ' ');
  return (
    select coalesce(string_agg(
      '''' || key || left(word, 255) || ''''
        || case when place = cardinality(words) or word ~ ('^[\u0e01-\u0edf\u1000-\u109d\u1100-\u11ff\u1780-\u17f9\u1950-\u19da\u1a20-\u1aa7\u3005-\u31ff\u3400-\ua48c\ua960-\ua97c\ua9e0-\ua9fe\uaa60-\uaadd\uac00-\ufa29\U000116d0-\U000116e3\U00016fe3\U00016ff0-\U00016ff6\U0001aff0-\U0001b167\U0001d360-\U0001d371\U00020000-\U00033479]$' collate "C") then ':*' else '' end, ' & '), '')::tsquery
    from unnest(words) with ordinality as each (word, place));
end
$$;

-- migrate:down
drop function search_query(owner text, value text);
