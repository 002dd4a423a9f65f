-- Status changes as the public sees them: in steps, each padded with places that belong to nobody, so that neither a
-- list nor a step shows which codes were revoked together.

-- `status` is the truth that every scan online reads; `shown` is what the published lists say until the next step.
alter table codes.status_entry drop constraint status_entry_status_check;
alter table codes.status_entry add constraint status_entry_status_check check (status between 0 and 2);
alter table codes.status_entry add column shown smallint not null default 0 check (shown between 0 and 2);
alter table codes.status_entry add column decoy boolean not null default false;
update codes.status_entry set shown = status;
create index status_entry_unshown on codes.status_entry (shard, index) where status <> shown;
create index status_entry_decoy on codes.status_entry (status) where decoy;

-- Places that no code was given or ever will be, drawn as time goes by so that they lie where living codes lie.
create table codes.status_reserve (
  shard   integer not null,
  index   integer not null check (index between 0 and 1048575),
  made_at timestamptz not null,
  primary key (shard, index)
);
create index status_reserve_made on codes.status_reserve (made_at);

create table codes.status_step (
  number bigint primary key check (number > 0),
  taken_at timestamptz not null
);
create table codes.status_change (
  number bigint not null references codes.status_step on delete cascade,
  shard  integer not null,
  index  integer not null,
  status smallint not null check (status between 0 and 2),
  primary key (number, shard, index)
);
