-- Joint inspections: departments that the lead invited, and officers of theirs who joined, each on an authority of
-- their own. A checklist belongs to whoever brings it.
alter table codes.inspection
  add column invited uuid[] not null default '{}',
  add column checklist jsonb not null default '[]';
create index inspection_invited on codes.inspection using gin (invited);

create table codes.inspection_partner (
  inspection_id uuid not null references codes.inspection (id),
  officer_id    uuid not null,
  department_id uuid not null,
  scenario      integer not null,
  authority     text not null,
  checklist     jsonb not null,
  joined_at     timestamptz not null,
  primary key (inspection_id, officer_id)
);
create index inspection_partner_officer on codes.inspection_partner (officer_id, inspection_id);

-- The code that officers show at the door: one that counts for each task, never longer than the task.
create table codes.inspection_code (
  id            uuid primary key,
  inspection_id uuid not null references codes.inspection (id),
  cti           bytea not null unique check (length(cti) = 16),
  shard         integer not null,
  index         integer not null,
  carrier       text not null,
  profile       smallint not null,
  state         text not null check (state in ('active', 'revoked')),
  issued_at     timestamptz not null,
  issued_by     text not null,
  expires_at    timestamptz not null,
  revoked_at    timestamptz,
  check ((state = 'revoked') = (revoked_at is not null))
);
create unique index inspection_code_active on codes.inspection_code (inspection_id) where state = 'active';

-- The enterprise has scanned that code, or was shown it where nobody could scan. Without a row no check is answered,
-- and the enterprise knows of no task.
create table codes.inspection_arrival (
  inspection_id   uuid primary key references codes.inspection (id),
  organization_id uuid not null,
  way             text not null check (way in ('scanned', 'shown')),
  reason          text,
  arrived_at      timestamptz not null,
  check ((way = 'shown') = (reason is not null))
);
create index inspection_arrival_organization on codes.inspection_arrival (organization_id, inspection_id);

-- A check in an emergency rests on no task: it says why, and is marked for good.
alter table codes.enterprise_check
  alter column inspection_id drop not null,
  add column emergency_reason text,
  add constraint enterprise_check_rests_on check ((inspection_id is null) = (emergency_reason is not null));
create index enterprise_check_emergency on codes.enterprise_check (id) where emergency_reason is not null;
create index enterprise_check_inspection on codes.enterprise_check (inspection_id, department_id);

-- That a department was rated for an inspection; not how.
create table codes.inspection_rated (
  inspection_id uuid not null references codes.inspection (id),
  department_id uuid not null,
  primary key (inspection_id, department_id)
);

-- How departments were rated; not by whom, nor for which inspection. `rater` is a keyed digest that counts enterprises
-- and names none, and is gone once the rating is released. Ids are random: they tell no time.
create table codes.inspection_rating (
  id            uuid primary key,
  department_id uuid not null,
  rater         bytea check (length(rater) = 32),
  conduct       smallint not null check (conduct between 1 and 5),
  necessity     smallint not null check (necessity between 1 and 5),
  remarks       text[] not null,
  released_on   date,
  check ((rater is null) = (released_on is not null))
);
create index inspection_rating_department on codes.inspection_rating (department_id, released_on);
create unique index inspection_rating_voice on codes.inspection_rating (department_id, rater)
 where released_on is null;

-- Enterprises as an audience: where they are registered (GB/T 2260) and their trade (GB/T 4754).
create table codes.code_subject (
  organization_id uuid primary key,
  zone            text not null check (zone ~ '^[0-9]{6}$'),
  industry        text check (industry ~ '^[A-T][0-9]{2}$'),
  declared_at     timestamptz
);
create index code_subject_zone on codes.code_subject (zone text_pattern_ops, organization_id);
create index code_subject_industry on codes.code_subject (industry, organization_id);

-- 一码推送: what a department tells enterprises. The text never changes once it is written.
create table codes.push (
  id             uuid primary key,
  department_id  uuid not null,
  author_id      uuid not null,
  template       text not null,
  title          jsonb not null,
  body           jsonb not null,
  audience       jsonb not null,
  audience_count integer not null,
  state          text not null check (state in ('waiting', 'sending', 'sent', 'withdrawn')),
  created_at     timestamptz not null,
  approver_id    uuid check (approver_id <> author_id),
  approved_at    timestamptz,
  sent_at        timestamptz,
  withdrawn_at   timestamptz,
  check ((approver_id is null) = (approved_at is null)),
  check (state <> 'sent' or sent_at is not null),
  check ((state = 'withdrawn') = (withdrawn_at is not null))
);
create index push_department on codes.push (department_id, id);
create index push_sending on codes.push (id) where state = 'sending';

-- Receipts: one row for each enterprise of the audience, fixed when the push was written, so that who approves it
-- approves exactly these. `delivered_at`: it lies in the enterprise's list; `read_at`: somebody who acts for the
-- enterprise said that it was read.
create table codes.push_delivery (
  organization_id uuid not null,
  push_id         uuid not null references codes.push (id),
  delivered_at    timestamptz,
  read_at         timestamptz,
  primary key (organization_id, push_id),
  check (read_at is null or delivered_at is not null)
);
create index push_delivery_push on codes.push_delivery (push_id, organization_id);
create index push_delivery_due on codes.push_delivery (push_id) where delivered_at is null;
