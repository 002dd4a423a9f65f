-- The home page as a subject arranged it: an order of their own, what they hid, where they are at home, and how it looks.

-- A newly pinned service stands at 0, before those that were put in order.
alter table gateway.pin add column position smallint not null default 0;

create table gateway.hidden (
  subject_id uuid not null,
  app_id     text not null check (length(app_id) <= 128),
  hidden_at  timestamptz not null,
  primary key (subject_id, app_id)
);

create table gateway.home_choice (
  subject_id uuid primary key,
  zone       text check (zone ~ '^[0-9]{6}([0-9]{3}){0,2}$'),
  profile    text not null check (profile in ('standard', 'elder')),
  chosen_at  timestamptz not null
);
