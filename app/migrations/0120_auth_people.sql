-- What happens to people after the real-name check: further documents, freezing, death, merging, and being looked up.

-- A merged account points at the one that was kept. Its phones and documents stay where they are and open the kept one,
-- so that undoing a merge moves nothing back.
alter table auth.person drop constraint person_status_check;
alter table auth.person
  add column merged_into uuid references auth.person,
  add constraint person_status_check check (status in ('active', 'frozen', 'deceased', 'closed', 'merged')),
  add constraint person_merged_points check ((status = 'merged') = (merged_into is not null)),
  add constraint person_merged_elsewhere check (merged_into <> id);
create index person_merged_into on auth.person (merged_into) where merged_into is not null;

-- What was done with an account and why, as its holder reads it.
create table auth.person_event (
  id              uuid primary key,
  person_id       uuid not null references auth.person,
  kind            text not null check (kind in (
                    'frozen', 'unfrozen', 'died', 'death_reversed', 'closed', 'merged', 'unmerged',
                    'document_added', 'document_renewed', 'renamed', 'face_confirmed', 'counter_confirmed')),
  reason          text not null,
  source          text not null check (source in ('counter', 'hotline', 'registry', 'face', 'self', 'system')),
  actor           text not null,
  organization_id uuid,
  at              timestamptz not null
);
create index person_event_person on auth.person_event (person_id, id);

-- Documents beside the one that stands at the person. Whoever writes here holds the document's lock (`lock_key`), so
-- that no document is here and at another person.
create table auth.further_document (
  document_index  bytea primary key,
  person_id       uuid not null references auth.person,
  identity_sealed bytea not null,
  state           text not null check (state in ('current', 'former')),
  source          text not null check (source in ('registry', 'counter')),
  added_at        timestamptz not null,
  superseded_at   timestamptz,
  check ((state = 'former') = (superseded_at is not null))
);
create index further_document_person on auth.further_document (person_id);

-- Phones of the dead and of closed accounts: the number is free for its next holder, and known should a mistake be undone.
create table auth.released_phone (
  person_id    uuid not null references auth.person,
  phone_index  bytea not null,
  phone_sealed bytea not null,
  attached_at  timestamptz not null,
  released_at  timestamptz not null,
  primary key (person_id, phone_index)
);

-- What a face must be shown for: once, soon, and for this purpose only.
create table auth.face_challenge (
  nonce_hash bytea primary key,
  purpose    text not null check (purpose in ('raise', 'unfreeze')),
  session_id uuid,
  expires_at timestamptz not null,
  check ((purpose = 'raise') = (session_id is not null))
);
create index face_challenge_expiry on auth.face_challenge (expires_at);

-- By which somebody at a counter shows that an account is theirs.
create table auth.merge_ticket (
  ticket_hash bytea primary key,
  person_id   uuid not null references auth.person,
  expires_at  timestamptz not null
);
create index merge_ticket_expiry on auth.merge_ticket (expires_at);

create table auth.person_merge (
  id              uuid primary key,
  kept_id         uuid not null references auth.person,
  merged_id       uuid not null references auth.person,
  repointed       uuid[] not null,
  mandates        uuid[] not null,
  merged_at       timestamptz not null,
  merged_by       uuid not null,
  organization_id uuid not null,
  undone_at       timestamptz,
  undone_by       uuid,
  check (kept_id <> merged_id),
  check ((undone_at is null) = (undone_by is null))
);
create unique index person_merge_standing on auth.person_merge (merged_id) where undone_at is null;
create index person_merge_kept on auth.person_merge (kept_id);

-- A law by which a department may look somebody up without asking them; registered by who guards security.
create table auth.lookup_basis (
  id              uuid primary key,
  organization_id uuid not null references auth.organization,
  purpose         text not null,
  legal_basis     text not null,
  attributes      text[] not null,
  registered_by   uuid not null,
  registered_at   timestamptz not null,
  expires_at      timestamptz not null,
  ended_at        timestamptz,
  ended_by        uuid,
  check ((ended_at is null) = (ended_by is null))
);
create index lookup_basis_organization on auth.lookup_basis (organization_id);

-- Every look at another person: asked and approved, or by a basis. Without a subject nobody was found, and the one who
-- asked cannot tell that from a person who does not answer.
create table auth.lookup (
  id              uuid primary key,
  subject_id      uuid references auth.person,
  requester_type  text not null check (requester_type in ('person', 'organization', 'official')),
  requester_id    uuid not null,
  agent_id        uuid,
  organization_id uuid,
  basis_id        uuid references auth.lookup_basis,
  attributes      text[] not null,
  purpose_sealed  bytea not null,
  state           text not null check (state in ('pending', 'approved', 'denied', 'answered')),
  requested_at    timestamptz not null,
  expires_at      timestamptz not null,
  decided_at      timestamptz,
  read_at         timestamptz,
  check ((basis_id is not null) = (state = 'answered')),
  check ((state in ('approved', 'denied')) = (decided_at is not null))
);
create index lookup_subject on auth.lookup (subject_id, id) where subject_id is not null;
create index lookup_requester on auth.lookup (requester_id, id);
create index lookup_age on auth.lookup (requested_at);

-- How far the word of each register was heard.
create table auth.registry_feed (
  name          text primary key,
  cursor        text not null,
  read_at       timestamptz,
  failing_since timestamptz
);
insert into auth.registry_feed (name, cursor) values ('deaths', ''), ('enterprises', '');

-- 法人, 非法人组织, 个体工商户. Departments are legal persons of public law.
alter table auth.organization add column form text check (form in ('legal_person', 'unincorporated', 'sole_trader'));
update auth.organization set form = case when credit_code like '92%' then 'sole_trader' else 'legal_person' end;
alter table auth.organization alter column form set not null;
