-- What a person may ask of the city about their own data: a copy, a correction, an end.

-- A copy of everything, sealed under the person's own key, for a week.
create table auth.export (
  id           uuid primary key,
  person_id    uuid not null references auth.person,
  state        text not null check (state in ('pending', 'ready', 'failed', 'expired')),
  requested_at timestamptz not null,
  ready_at     timestamptz,
  expires_at   timestamptz,
  file_sealed  bytea,
  check ((state = 'ready') = (file_sealed is not null)),
  check ((state in ('pending', 'failed')) = (ready_at is null)),
  check ((ready_at is null) = (expires_at is null))
);
create unique index export_one_pending on auth.export (person_id) where state = 'pending';
create index export_person on auth.export (person_id, id desc);
create index export_expiry on auth.export (expires_at) where state = 'ready';

-- What a person says is wrong, on its way to the authority that keeps the record and back.
create table auth.correction (
  id            uuid primary key,
  person_id     uuid not null references auth.person,
  field         text not null check (field in ('name', 'document_number', 'birth_date', 'other')),
  claim_sealed  bytea not null,
  state         text not null check (state in ('pending', 'sent', 'accepted', 'refused')),
  requested_at  timestamptz not null,
  sent_at       timestamptz,
  asked_at      timestamptz,
  decided_at    timestamptz,
  answer_sealed bytea,
  check ((state = 'pending') = (sent_at is null)),
  check ((state in ('accepted', 'refused')) = (decided_at is not null)),
  check ((decided_at is null) = (answer_sealed is null))
);
create index correction_person on auth.correction (person_id, id desc);
create index correction_waiting on auth.correction (asked_at) where state = 'sent';

-- An account that its holder wants to end: a time to think, then the end.
create table auth.closing (
  id           uuid primary key,
  person_id    uuid not null references auth.person,
  state        text not null check (state in ('cooling', 'blocked', 'cancelled', 'done')),
  requested_at timestamptz not null,
  due_at       timestamptz not null,
  ended_at     timestamptz,
  check ((state in ('cancelled', 'done')) = (ended_at is not null))
);
create unique index closing_one_open on auth.closing (person_id) where state in ('cooling', 'blocked');
create index closing_person on auth.closing (person_id, id desc);
create index closing_due on auth.closing (due_at) where state in ('cooling', 'blocked');
