-- Somebody comes back to their account with a number, a name and a document, and nothing else: it waits, so that its
-- holder can object. One at a time; the row goes when it is used, stopped or over, and the audit log keeps what happened.
create table auth.recovery (
  person_id  uuid primary key references auth.person,
  id         uuid not null unique,
  session_id uuid not null,
  asked_at   timestamptz not null,
  due_at     timestamptz not null,
  expires_at timestamptz not null,
  check (asked_at <= due_at and due_at < expires_at)
);
create index recovery_expiry on auth.recovery (expires_at);
