-- Sessions in which somebody speaks for a company end when the company does.
create index session_organization on auth.session (subject_id)
  where subject_type = 'organization' and revoked_at is null;
