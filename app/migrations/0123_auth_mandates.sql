-- Mandates of every kind: a tree under each principal, offers before it, confirmations within it, and the log of what
-- was done by it.
alter table auth.mandate
  drop constraint mandate_kind_check,
  drop constraint mandate_principal_fits_kind,
  drop constraint mandate_guardian_ends;
alter table auth.mandate
  add column parent_id uuid references auth.mandate,
  add column depth smallint not null default 1 check (depth between 1 and 3),
  -- Null: all that the principal may. An empty list: none.
  add column items text[],
  add column scenarios integer[],
  add column apps text[],
  add column may_delegate boolean not null default false,
  add column given_by uuid,
  add column sponsor_id uuid references auth.organization,
  add column reference_sealed bytea,
  -- A child's own word counts from the fourteenth birthday on.
  add column own_word_from timestamptz,
  add column own_word text check (own_word in ('agreed', 'refused')),
  -- Why it does not count for now; several may hold at once.
  add column stops text[] not null default '{}';

update auth.mandate set may_delegate = true where kind = 'responsible_person';
update auth.mandate set own_word_from = ends_at - interval '4 years' where kind = 'guardian';

alter table auth.mandate
  add constraint mandate_kind_check check (kind in (
    'responsible_person', 'administrator', 'agent',
    'guardian', 'adult_guardian', 'family', 'assisted', 'proxy', 'volunteer')),
  add constraint mandate_principal_fits_kind check (
    (kind in ('responsible_person', 'administrator', 'agent')) = (principal_type = 'organization')),
  add constraint mandate_guardian_ends check (kind <> 'guardian' or (ends_at is not null and own_word_from is not null)),
  add constraint mandate_root_has_no_parent check ((depth = 1) = (parent_id is null)),
  add constraint mandate_staff_of_somebody check (kind not in ('administrator', 'agent') or parent_id is not null),
  add constraint mandate_helpers_are_sponsored check ((kind in ('assisted', 'volunteer')) = (sponsor_id is not null)),
  add constraint mandate_volunteer_is_brief check (kind <> 'volunteer' or (
    ends_at is not null and ends_at <= starts_at + interval '2 hours'
    and items is not null and cardinality(items) = 1 and not may_delegate));
create index mandate_parent on auth.mandate (parent_id) where parent_id is not null;
create index mandate_principal on auth.mandate (principal_id) where revoked_at is null;
create index mandate_end on auth.mandate (ends_at) where ends_at is not null and revoked_at is null;

-- A mandate that waits for its agent. Whom it is for is known by a keyed index of name and document, or by a helper's
-- badge; the giver is never told whether there is such a person.
create table auth.mandate_offer (
  id             uuid primary key,
  principal_type text not null check (principal_type in ('organization', 'person')),
  principal_id   uuid not null,
  kind           text not null check (kind in ('administrator', 'agent', 'family', 'assisted', 'proxy', 'volunteer')),
  role           text not null,
  parent_id      uuid references auth.mandate,
  items          text[],
  scenarios      integer[],
  apps           text[],
  may_delegate   boolean not null,
  sponsor_id     uuid references auth.organization,
  given_by       uuid not null references auth.person,
  agent_index    bytea not null check (length(agent_index) = 32),
  starts_at      timestamptz not null,
  ends_at        timestamptz,
  lasts_seconds  integer check (lasts_seconds > 0),
  offered_at     timestamptz not null,
  expires_at     timestamptz not null,
  decided_at     timestamptz,
  decision       text check (decision in ('accepted', 'declined', 'withdrawn')),
  mandate_id     uuid references auth.mandate,
  check ((decided_at is null) = (decision is null)),
  check ((decision is not distinct from 'accepted') = (mandate_id is not null))
);
create index mandate_offer_agent on auth.mandate_offer (agent_index) where decided_at is null;
create index mandate_offer_principal on auth.mandate_offer (principal_id) where decided_at is null;
create index mandate_offer_expiry on auth.mandate_offer (expires_at);

-- Helpers and volunteers, by the badge that they wear; an organization answers for each.
create table auth.helper (
  id              uuid primary key,
  badge           text not null unique check (badge ~ '^[0-9]{8}$'),
  kind            text not null check (kind in ('helper', 'volunteer')),
  person_id       uuid not null references auth.person,
  organization_id uuid not null references auth.organization,
  appointed_at    timestamptz not null,
  appointed_by    uuid not null,
  ends_at         timestamptz not null,
  ended_at        timestamptz
);
create unique index helper_one_each on auth.helper (person_id, organization_id, kind) where ended_at is null;
create index helper_organization on auth.helper (organization_id, id);

-- What a helper asks a citizen to confirm, act by act; `fingerprint` is of exactly that act.
create table auth.mandate_confirmation (
  id          uuid primary key,
  mandate_id  uuid not null references auth.mandate,
  fingerprint bytea not null check (length(fingerprint) = 32),
  kind        text not null,
  detail      jsonb not null,
  asked_at    timestamptz not null,
  expires_at  timestamptz not null,
  decided_at  timestamptz,
  decision    text check (decision in ('confirmed', 'declined')),
  used_at     timestamptz,
  check ((decided_at is null) = (decision is null)),
  check (used_at is null or decision = 'confirmed')
);
create index mandate_confirmation_act on auth.mandate_confirmation (mandate_id, fingerprint);
create index mandate_confirmation_expiry on auth.mandate_confirmation (expires_at);

-- What was done in somebody's name, for whoever it was done for.
create table auth.act (
  id             uuid primary key,
  principal_type text not null check (principal_type in ('organization', 'person')),
  principal_id   uuid not null,
  agent_id       uuid not null,
  mandate_id     uuid not null,
  kind           text not null check (kind ~ '^[a-z][a-z_]{1,39}$'),
  detail         jsonb not null,
  at             timestamptz not null
);
create index act_principal on auth.act (principal_id, id desc);
create index act_mandate on auth.act (mandate_id, kind, at desc);

-- A session may now speak for a person by a mandate, too.
alter table auth.session drop constraint session_check;
alter table auth.session
  add constraint session_agent_fits_subject check (
    case subject_type
      when 'organization' then agent_id is not null
      when 'person' then (agent_id is null) = (mandate_id is null)
      else agent_id is null
    end);
