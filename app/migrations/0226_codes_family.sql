-- Family codes, freezes at a counter, form tickets, entitlements.

-- A batch that a guardian's phone got for a child speaks of the child. Each child has a day of batches of its own.
alter table codes.grant_batch
  add column guardian_id uuid,
  add column mandate_id uuid,
  add constraint grant_batch_guardian_by_mandate check ((guardian_id is null) = (mandate_id is null)),
  add constraint grant_batch_guardian_of_another check (guardian_id <> person_id);
alter table codes.grant_batch drop constraint grant_batch_device_id_day_refill_key;
alter table codes.grant_batch add unique (device_id, person_id, day, refill);
create index grant_batch_guardian on codes.grant_batch (guardian_id, expires_at) where guardian_id is not null;
create index grant_batch_mandate on codes.grant_batch (mandate_id) where mandate_id is not null;

-- Whoever showed the child's code reads the record too.
alter table codes.verification add column guardian_id uuid;
create index verification_guardian on codes.verification (guardian_id, iat desc) where guardian_id is not null;

-- Freezes: several may lie on one person, each for its own reason and with its own end. What the holder and the
-- officials wrote is sealed.
create table codes.freeze (
  id                      uuid primary key,
  person_id               uuid not null,
  reason                  text not null check (reason in ('holder_request', 'loss', 'fraud', 'death', 'court_order')),
  explanation_sealed      bytea not null,
  frozen_at               timestamptz not null,
  frozen_by               uuid not null,
  organization_id         uuid not null,
  lifted_at               timestamptz,
  lifted_by               uuid,
  lifted_because_sealed   bytea,
  appealed_at             timestamptz,
  appealed_by             uuid,
  appeal_sealed           bytea,
  decided_at              timestamptz,
  decided_by              uuid,
  decision                text check (decision in ('lifted', 'upheld')),
  decision_because_sealed bytea,
  check ((lifted_at is null) = (lifted_by is null) and (lifted_at is null) = (lifted_because_sealed is null)),
  check ((appealed_at is null) = (appeal_sealed is null) and (appealed_at is null) = (appealed_by is null)),
  check ((decided_at is null) = (decision is null) and (decided_at is null) = (decided_by is null)
     and (decided_at is null) = (decision_because_sealed is null)),
  check (decided_at is null or appealed_at is not null),
  check (decided_by <> frozen_by)
);
create unique index freeze_one_each on codes.freeze (person_id, reason) where lifted_at is null;
create index freeze_person on codes.freeze (person_id, id desc);
create index freeze_appealed on codes.freeze (id) where appealed_at is not null and decided_at is null;

-- Form tickets: known by the hash of what the counter holds; redeemed once, then confirmed or declined by the citizen.
create table codes.form_ticket (
  id              uuid primary key,
  ticket_hash     bytea not null unique check (length(ticket_hash) = 32),
  verification_id uuid not null,
  item            text not null,
  scenario        integer not null,
  basis           text not null,
  organization_id uuid not null,
  site_id         uuid not null,
  counter         jsonb not null,
  person_id       uuid not null,
  guardian_id     uuid,
  state           text not null check (state in ('issued', 'redeemed', 'confirmed', 'declined')),
  issued_at       timestamptz not null,
  expires_at      timestamptz not null,
  forget_at       timestamptz not null,
  redeemed_at     timestamptz,
  redeemed_by     uuid,
  request_id      text,
  title           text,
  fields          text[],
  decided_at      timestamptz,
  decided_by      uuid,
  check (expires_at <= issued_at + interval '10 minutes'),
  check ((state = 'issued') = (redeemed_at is null)),
  check ((redeemed_at is null) = (redeemed_by is null) and (redeemed_at is null) = (title is null)
     and (redeemed_at is null) = (fields is null)),
  check ((state in ('confirmed', 'declined')) = (decided_at is not null)),
  check ((decided_at is null) = (decided_by is null))
);
create index form_ticket_person on codes.form_ticket (person_id, id desc) where state <> 'issued';
create index form_ticket_guardian on codes.form_ticket (guardian_id, id desc)
  where state <> 'issued' and guardian_id is not null;
create index form_ticket_forget on codes.form_ticket (forget_at);

-- Entitlements: who may name them, and whom they were given to, by the issuer's own name for the holder. No person's id
-- stands here: the two are joined only while a code is being scanned.
create table codes.entitlement_issuer (
  id              uuid primary key,
  namespace       text not null check (namespace ~ '^[a-z][a-z0-9_]{1,30}$'),
  organization_id uuid not null,
  scenarios       integer[] not null check (cardinality(scenarios) > 0),
  registered_at   timestamptz not null,
  registered_by   uuid not null,
  ended_at        timestamptz
);
create unique index entitlement_issuer_namespace on codes.entitlement_issuer (namespace) where ended_at is null;

create table codes.entitlement (
  id              uuid primary key,
  issuer_id       uuid not null references codes.entitlement_issuer (id),
  organization_id uuid not null,
  openid          text not null check (length(openid) = 43),
  name            text not null,
  scenarios       integer[] not null check (cardinality(scenarios) > 0),
  valid_from      timestamptz not null,
  valid_until     timestamptz not null,
  assigned_at     timestamptz not null,
  assigned_by     uuid not null,
  withdrawn_at    timestamptz,
  check (valid_until > valid_from)
);
create unique index entitlement_one_each on codes.entitlement (openid, organization_id, name) where withdrawn_at is null;
create index entitlement_organization on codes.entitlement (organization_id, id);
create index entitlement_over on codes.entitlement (valid_until);
