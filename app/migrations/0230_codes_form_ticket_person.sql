-- A person's form tickets in whatever state: what goes with an account is found by an index.
create index form_ticket_of_person on codes.form_ticket (person_id);
