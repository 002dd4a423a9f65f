-- When a department's service ends, so do the consents that stood for it: found by department and purpose.
create index consent_of_department on auth.consent (department_id, purpose, id) where withdrawn_at is null;
