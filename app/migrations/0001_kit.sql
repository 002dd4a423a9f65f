-- The floor: keys, the audit log, the outbox, idempotent answers.
create schema kit;

create table kit.signing_key (
  kid            text primary key check (kid ~ '^[0-9a-f]{8}$'),
  purpose        text not null,
  profile        smallint not null,
  state          text not null check (state in ('next', 'active', 'retired')),
  private_sealed bytea not null,
  created_at     timestamptz not null,
  not_after      timestamptz
);
create unique index signing_key_one_active on kit.signing_key (purpose) where state = 'active';
create unique index signing_key_one_next on kit.signing_key (purpose) where state = 'next';

-- Written inside each transaction without a chain; sealed afterwards by one sealer, in the order of `position`.
create table kit.audit_entry (
  id         uuid primary key,
  written_by xid8 not null default pg_current_xact_id(),
  at         timestamptz not null,
  actor      text not null,
  action     text not null,
  subject    text not null,
  detail     jsonb not null
);
create index audit_entry_subject on kit.audit_entry (subject, at);
create index audit_entry_actor on kit.audit_entry (actor, at);
create index audit_entry_transaction on kit.audit_entry (written_by, id);

create table kit.audit_seal (
  position bigint primary key,
  entry_id uuid not null unique,
  digest   bytea not null,
  profile  smallint not null
);

create table kit.outbox (
  id           uuid primary key,
  topic        text not null,
  sealed       bytea not null,
  attempts     integer not null default 0,
  due_at       timestamptz not null,
  failed_at    timestamptz,
  last_error   text
);
create index outbox_due on kit.outbox (due_at) where failed_at is null;

create table kit.idempotent_answer (
  scope      bytea primary key,
  body_hash  bytea not null,
  sealed     bytea not null,
  expires_at timestamptz not null
);
create index idempotent_answer_expiry on kit.idempotent_answer (expires_at);
