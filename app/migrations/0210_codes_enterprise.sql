-- Scanners: organization → site → device.
create table codes.scanner_site (
  id              uuid primary key,
  organization_id uuid not null,
  name            text not null,
  address         text not null,
  created_at      timestamptz not null,
  unique (organization_id, name)
);

create table codes.scanner (
  id              uuid primary key,
  organization_id uuid not null,
  site_id         uuid not null references codes.scanner_site (id),
  device_name     text not null,
  scenarios       integer[] not null check (cardinality(scenarios) > 0),
  public_key      bytea not null,
  thumbprint      text not null unique,
  profile         smallint not null,
  state           text not null check (state in ('active', 'revoked')),
  enrolled_at     timestamptz not null,
  revoked_at      timestamptz,
  check ((state = 'revoked') = (revoked_at is not null))
);
create index scanner_organization on codes.scanner (organization_id, id);

-- Enterprise codes: one row for each sticker. The code itself is public; it hangs on the wall.
create table codes.enterprise_code (
  id              uuid primary key,
  organization_id uuid not null,
  label           text not null,
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
create index enterprise_code_organization on codes.enterprise_code (organization_id, id);

-- Inspections: without an active one, no officer's check is answered.
create table codes.inspection (
  id              uuid primary key,
  organization_id uuid not null,
  scenario        integer not null,
  department_id   uuid not null,
  officer_id      uuid not null,
  purpose         text not null,
  authority       text not null,
  state           text not null check (state in ('active', 'closed')),
  created_at      timestamptz not null,
  starts_at       timestamptz not null,
  ends_at         timestamptz not null,
  check (ends_at > starts_at and ends_at <= starts_at + interval '8 hours')
);
create index inspection_officer on codes.inspection (officer_id, id);
create index inspection_organization on codes.inspection (organization_id, id);

-- Enterprise checks: who came, why, what was asked, what each source said. The enterprise reads its own.
create table codes.enterprise_check (
  id              uuid primary key,
  inspection_id   uuid not null references codes.inspection (id),
  organization_id uuid not null,
  scenario        integer not null,
  officer_id      uuid not null,
  department_id   uuid not null,
  checked_at      timestamptz not null,
  request_key     bytea,
  body_hash       bytea not null,
  state           text not null check (state in ('asking', 'answered')),
  answer          jsonb,
  check ((state = 'answered') = (answer is not null))
);
create index enterprise_check_organization on codes.enterprise_check (organization_id, id);
create unique index enterprise_check_request on codes.enterprise_check (officer_id, request_key);
