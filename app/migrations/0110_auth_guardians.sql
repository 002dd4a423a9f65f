-- Guardians: a mandate whose principal is a person, so far always a child, until the eighteenth birthday.
alter table auth.mandate
  add column principal_type text not null default 'organization'
    check (principal_type in ('organization', 'person'));
alter table auth.mandate alter column principal_type drop default;

-- A principal is one of two; each half of the table still points at a row that exists.
alter table auth.mandate drop constraint mandate_principal_id_fkey;
alter table auth.mandate
  add column principal_organization_id uuid
    generated always as (case when principal_type = 'organization' then principal_id end) stored
    references auth.organization,
  add column principal_person_id uuid
    generated always as (case when principal_type = 'person' then principal_id end) stored
    references auth.person;

alter table auth.mandate drop constraint mandate_kind_check;
alter table auth.mandate
  add constraint mandate_kind_check check (kind in ('responsible_person', 'guardian')),
  add constraint mandate_principal_fits_kind check ((kind = 'guardian') = (principal_type = 'person')),
  add constraint mandate_guardian_ends check (kind <> 'guardian' or ends_at is not null),
  add constraint mandate_of_oneself check (principal_id <> agent_id);
create unique index mandate_one_guardian on auth.mandate (principal_id, agent_id)
  where kind = 'guardian' and revoked_at is null;
