-- Ways in: passkeys, challenges that are good once, short raised sessions, phones that several people share or that
-- change hands.
alter table auth.session drop constraint session_method_check;
alter table auth.session add constraint session_method_check
  check (method in ('otp', 'password', 'passkey', 'step_up', 'switch', 'code', 'scan', 'launch'));

-- The session stands on a phone alone, and its person is known by more than that: what is theirs stays closed to it.
alter table auth.session add column unproven boolean not null default false;
alter table auth.session alter column unproven drop default;

-- What a key has to sign: by its hash, once, for one purpose, in one session unless nobody is signed in yet.
create table auth.login_challenge (
  challenge_hash bytea primary key,
  purpose        text not null check (purpose in ('sign_in', 'enrol', 'step_up')),
  session_id     uuid,
  expires_at     timestamptz not null,
  check ((purpose = 'sign_in') = (session_id is null))
);
create index login_challenge_expiry on auth.login_challenge (expires_at);

-- A credential of a WebAuthn authenticator; of a person or of a member of staff.
create table auth.passkey (
  id             uuid primary key,
  holder_type    text not null check (holder_type in ('person', 'official')),
  holder_id      uuid not null,
  credential_id  bytea not null unique check (octet_length(credential_id) between 1 and 1023),
  public_key     bytea not null,
  sign_count     bigint not null check (sign_count >= 0),
  synced         boolean not null,
  name_sealed    bytea not null,
  created_at     timestamptz not null,
  last_used_at   timestamptz,
  revoked_at     timestamptz,
  revoked_reason text,
  check ((revoked_at is null) = (revoked_reason is null))
);
create index passkey_holder on auth.passkey (holder_id);

-- A code is good for what it was asked for, and where somebody was signed in, in that session alone.
alter table auth.otp_challenge
  add column purpose text not null default 'sign_in' check (purpose in ('sign_in', 'step_up', 'attach', 'disown')),
  add column session_id uuid,
  add constraint otp_challenge_session_fits check ((purpose in ('step_up', 'attach')) = (session_id is not null));
alter table auth.otp_challenge alter column purpose drop default;

-- A phone is an address: one may serve several people, each under a label that only who holds the phone reads.
alter table auth.phone drop constraint phone_pkey;
alter table auth.phone
  add column id uuid not null default gen_random_uuid(),
  add column label_sealed bytea,
  add primary key (phone_index, person_id),
  add constraint phone_id unique (id);

-- A number that is about to become somebody's: proved, told to them, and waiting. One a person at a time.
create table auth.phone_change (
  id           uuid primary key,
  person_id    uuid not null unique references auth.person,
  phone_index  bytea not null,
  phone_sealed bytea not null,
  label_sealed bytea,
  replaces_id  uuid,
  asked_at     timestamptz not null,
  due_at       timestamptz not null
);
create index phone_change_due on auth.phone_change (due_at);
create index phone_change_phone on auth.phone_change (phone_index);
