-- Public keys of clients that publish them at an address of their own, as they were found there the last time.
create table auth.client_keys (
  client_id  text primary key,
  jwks_uri   text not null,
  keys       jsonb not null default '{}',
  fetched_at timestamptz,
  asked_at   timestamptz not null
);
