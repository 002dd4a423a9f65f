-- Editions of a city's own scenario file: the highest is in force on every worker and node; none ever returns.
create table codes.scenario_edition (
  edition    integer primary key check (edition > 0),
  version    text not null,
  body       bytea not null,
  slugs      jsonb not null,
  adopted_at timestamptz not null
);
