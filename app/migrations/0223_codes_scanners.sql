-- Editions of a city's own scenario file: the highest is in force on every worker and node; none ever returns.
create table codes.scenario_edition (
  edition    integer primary key check (edition > 0),
  version    text not null,
  body       bytea not null,
  slugs      jsonb not null,
  adopted_at timestamptz not null
);

-- What a device may learn in each of its scenarios and on which cited basis; null: enrolled before this was asked.
alter table codes.scanner add column terms jsonb;

-- Organization → site → device → operator: who works at the devices, by a number of the organization's own.
create table codes.operator (
  id              uuid primary key,
  organization_id uuid not null,
  number          text not null,
  pin_index       bytea not null check (length(pin_index) = 32),
  badge_index     bytea not null unique check (length(badge_index) = 32),
  profile         smallint not null,
  state           text not null check (state in ('active', 'ended')),
  wrong_pins      smallint not null default 0 check (wrong_pins >= 0),
  locked_until    timestamptz,
  appointed_at    timestamptz not null,
  ended_at        timestamptz,
  check ((state = 'ended') = (ended_at is not null))
);
create unique index operator_number on codes.operator (organization_id, number) where state = 'active';
create index operator_organization on codes.operator (organization_id, id);

-- Who is on duty at a device: one operator at a time, for one shift at most.
create table codes.operator_duty (
  scanner_id  uuid primary key references codes.scanner (id),
  operator_id uuid not null references codes.operator (id),
  method      text not null check (method in ('pin', 'badge')),
  since       timestamptz not null,
  until       timestamptz not null,
  check (until > since)
);
create index operator_duty_operator on codes.operator_duty (operator_id);

-- Who answers for a scan; null where nobody was on duty.
alter table codes.verification add column operator_id uuid;

-- In which scenario a device works, and when it last changed.
create table codes.scanner_use (
  scanner_id  uuid primary key,
  scenario    integer not null,
  switched_at timestamptz
);

-- Against enumeration: what each device did in each window, and who has to wait.
create table codes.scan_count (
  scanner_id      uuid not null,
  what            text not null,
  window_at       timestamptz not null,
  organization_id uuid not null,
  count           integer not null check (count > 0),
  primary key (scanner_id, what, window_at)
);
create index scan_count_organization on codes.scan_count (organization_id, what, window_at);
create index scan_count_window on codes.scan_count (window_at);

create table codes.scan_stop (
  subject         uuid not null,
  what            text not null,
  scope           text not null check (scope in ('scanner', 'organization')),
  organization_id uuid not null,
  counted         integer not null,
  since           timestamptz not null,
  until           timestamptz not null check (until > since),
  primary key (subject, what)
);
create index scan_stop_organization on codes.scan_stop (organization_id, until);
