-- The steps below the personal code: online codes of thin clients, paper codes, documents typed by staff; and grants
-- that were used up by a place and a nonce.

-- A presentation that carried a nonce was accepted: its grant is accepted nowhere again, whatever the second.
create table codes.spent_grant (
  cti        bytea primary key check (length(cti) = 16),
  spent_at   timestamptz not null,
  expires_at timestamptz not null
);
create index spent_grant_expiry on codes.spent_grant (expires_at);

-- What was given to one thin client in one call: a secret, and handles to show it by. `device_id` is that of the
-- session, where it has one.
create table codes.online_code (
  id            uuid primary key,
  person_id     uuid not null,
  device_id     uuid,
  day           date not null,
  issue         smallint not null check (issue between 0 and 7),
  secret_sealed bytea not null,
  profile       smallint not null,
  issued_at     timestamptz not null,
  expires_at    timestamptz not null,
  revoked_at    timestamptz,
  unique (person_id, day, issue)
);
create index online_code_expiry on codes.online_code (expires_at);
create index online_code_device on codes.online_code (device_id) where device_id is not null;

-- One handle, in the two ways to show it. They change from showing to showing, so that they link nothing.
create table codes.online_handle (
  handle         bytea primary key check (length(handle) = 8),
  digits         text not null unique check (digits ~ '^[0-9]{10}$'),
  online_code_id uuid not null references codes.online_code (id) on delete cascade
);
create index online_handle_code on codes.online_handle (online_code_id);

-- Tries that were not (yet) right, by whoever is limited: a scanner, or an organization.
create table codes.attempt (
  who          uuid not null,
  what         text not null check (what in ('online', 'document')),
  window_start timestamptz not null,
  tried        integer not null check (tried >= 0),
  primary key (who, what, window_start)
);
create index attempt_window on codes.attempt (window_start);

-- Codes on paper. The text of the picture names its holder by masked name and the tail of a number: sealed.
create table codes.paper_code (
  id             uuid primary key,
  person_id      uuid not null,
  cti            bytea not null unique check (length(cti) = 16),
  shard          integer not null,
  index          integer not null,
  carrier_sealed bytea not null,
  profile        smallint not null,
  issued_at      timestamptz not null,
  issued_by      text not null,
  expires_at     timestamptz not null,
  voided_at      timestamptz,
  voided_by      text,
  check (expires_at > issued_at and expires_at <= issued_at + interval '180 days'),
  check ((voided_at is null) = (voided_by is null))
);
create index paper_code_person on codes.paper_code (person_id, id);

-- Which scanners' staff may type document numbers, where, and on what ground.
create table codes.document_entry (
  scanner_id  uuid primary key references codes.scanner (id),
  scenarios   integer[] not null check (cardinality(scenarios) > 0),
  legal_basis text not null,
  granted_by  text not null,
  granted_at  timestamptz not null,
  revoked_at  timestamptz
);
