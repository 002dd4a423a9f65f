-- The record of scans: offline scans beside online ones, how long each scenario may know its holders, complaints, and
-- notices that are deferred by law.

-- An offline scan is uploaded later. verified_at is when it happened, recorded_at when the city heard of it; `said` is
-- what the door did then, `verdict` what the city finds for that moment, and `conflicts` why they may differ.
alter table codes.verification add column mode text not null default 'online' check (mode in ('online', 'offline'));
alter table codes.verification add column recorded_at timestamptz;
alter table codes.verification add column said text check (said in ('ACCEPT', 'REJECT', 'REVIEW'));
alter table codes.verification add column conflicts text[] not null default '{}';

-- Scans lie in the order of time, so a few pages of this index find an hour of a day's millions.
create index verification_iat on codes.verification using brin (iat) with (pages_per_range = 32);

-- One row for each entry of an offline log, so that an upload may be repeated. Holds nothing about the holder.
create table codes.offline_entry (
  scanner_id  uuid not null,
  entry_id    text not null,
  body_hash   bytea not null check (length(body_hash) = 32),
  answer      jsonb not null,
  recorded_at timestamptz not null,
  primary key (scanner_id, entry_id)
);
create index offline_entry_recorded on codes.offline_entry (recorded_at);

-- Up to when the scans of a scenario have lost their holders. A scenario that left the catalogue keeps its days.
create table codes.scan_retention (
  scenario        integer primary key,
  days            integer not null check (days > 0),
  forgotten_until timestamptz not null
);

-- A complaint keeps its own copy of the facts: the scan forgets its holder when its time is over, the complaint when
-- its own is.
create table codes.complaint (
  id              uuid primary key,
  verification_id uuid not null,
  subject_type    text not null check (subject_type in ('person', 'organization')),
  subject_id      uuid not null,
  organization_id uuid not null,
  scanned_by      jsonb not null,
  scanned_at      timestamptz not null,
  scenario        integer not null,
  verdict         text not null,
  reason          text not null,
  disclosed       text[] not null,
  concern         text not null check (concern in ('not_me', 'asked_too_much', 'wrongly_refused', 'conduct', 'other')),
  text_sealed     bytea,
  state           text not null check (state in ('filed', 'forwarded', 'answered')),
  filed_at        timestamptz not null,
  reference       text,
  answer_sealed   bytea,
  answered_at     timestamptz,
  unique (verification_id, subject_id),
  check ((state = 'answered') = (answered_at is not null and answer_sealed is not null))
);
create index complaint_subject on codes.complaint (subject_id, id desc);
create index complaint_open on codes.complaint (id) where state <> 'answered';

-- Notices of scans by one device in one scenario that reach the holder later: two officials, a legal basis, an end.
create table codes.deferred_notice (
  id              uuid primary key,
  organization_id uuid not null,
  scanner_id      uuid not null references codes.scanner (id),
  scenario        integer not null,
  legal_basis     text not null,
  state           text not null check (state in ('proposed', 'approved', 'refused')),
  proposed_by     uuid not null,
  proposed_at     timestamptz not null,
  decided_by      uuid,
  decided_at      timestamptz,
  ends_at         timestamptz not null,
  check (decided_by <> proposed_by),
  check ((state = 'proposed') = (decided_at is null)),
  check ((decided_by is null) = (decided_at is null)),
  check (ends_at > proposed_at)
);
create index deferred_notice_scanner on codes.deferred_notice (scanner_id, scenario) where state = 'approved';
