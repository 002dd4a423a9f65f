-- Codes: what was granted, what is void, what was scanned, and which trust list is in force.
create schema codes;

create sequence codes.grant_batch_number as bigint;
create sequence codes.static_slot as bigint minvalue 0 start 0;

-- One row for a device and day (and for each refill of that day), not one for each grant: pointers in codes open to
-- the number, and status indices are computed from it.
create table codes.grant_batch (
  number      bigint primary key default nextval('codes.grant_batch_number'),
  device_id   uuid not null,
  person_id   uuid not null,
  day         date not null,
  refill      smallint not null check (refill between 0 and 3),
  request_jti text not null,
  grants      smallint not null check (grants between 1 and 8),
  profile     smallint not null,
  issued_at   timestamptz not null,
  expires_at  timestamptz not null,
  revoked_at  timestamptz,
  unique (device_id, day, refill),
  unique (device_id, request_jti)
);
create index grant_batch_expiry on codes.grant_batch (expires_at);
create index grant_batch_person on codes.grant_batch (person_id, expires_at);

-- Only codes that are not valid: 1 invalid, 2 suspended.
create table codes.status_entry (
  shard      integer not null,
  index      integer not null check (index between 0 and 1048575),
  status     smallint not null check (status in (1, 2)),
  expires_at timestamptz not null,
  changed_at timestamptz not null,
  primary key (shard, index)
);
create index status_entry_expiry on codes.status_entry (expires_at);

create table codes.trust_list (
  version        bigint primary key,
  issued_at      timestamptz not null,
  next_update_at timestamptz not null,
  content_digest bytea not null,
  profile        smallint not null,
  body           bytea not null
);

-- Every scan. An accepted presentation stands here once: unique (guard_cti, iat) is the guard against replays, and the
-- row is the citizen's record of it. Refused scans carry no guard.
create table codes.verification (
  id            uuid not null,
  iat           timestamptz not null,
  guard_cti     bytea check (length(guard_cti) = 16),
  verified_at   timestamptz not null,
  scanner_id    uuid not null,
  organization_id uuid not null,
  scanned_by    jsonb not null,
  request_id    text,
  subject_type  text check (subject_type in ('person', 'organization')),
  subject_id    uuid,
  kind          text,
  scenario      integer not null,
  basis         text not null,
  disclosed     text[] not null,
  withheld      text[] not null,
  verdict       text not null check (verdict in ('ACCEPT', 'REJECT', 'REVIEW')),
  reason        text not null,
  answer_sealed bytea,
  primary key (id, iat),
  unique (guard_cti, iat),
  check ((subject_id is null) = (subject_type is null))
) partition by range (iat);
create table codes.verification_other partition of codes.verification default;
create index verification_subject on codes.verification (subject_id, id desc);
