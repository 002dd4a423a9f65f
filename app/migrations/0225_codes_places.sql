-- Places and things (V codes): one row for each sticker. What a sticker says is signed into it and never changes; a
-- change is a new sticker. There is no table of who scanned one, and there never will be.
create sequence codes.place_number as bigint;

create table codes.place (
  id              uuid primary key,
  organization_id uuid not null,
  site_id         uuid not null references codes.scanner_site (id),
  site_name       text not null,
  site_address    text not null,
  label           text not null,
  number          bigint not null unique,
  scenarios       integer[] not null check (cardinality(scenarios) between 1 and 8),
  cti             bytea not null unique check (length(cti) = 16),
  shard           integer not null,
  index           integer not null,
  carrier         text not null,
  profile         smallint not null,
  state           text not null check (state in ('active', 'revoked')),
  issued_at       timestamptz not null,
  issued_by       text not null,
  expires_at      timestamptz not null,
  revoked_at      timestamptz,
  check ((state = 'revoked') = (revoked_at is not null))
);
create index place_organization on codes.place (organization_id, id);
