-- While an account sleeps or has ended, its codes are frozen by a mark that no counter made and no counter lifts: identity
-- keeps the history, and takes the mark away when the account comes back.
alter table codes.freeze drop constraint freeze_reason_check;
alter table codes.freeze
  add constraint freeze_reason_check
    check (reason in ('holder_request', 'loss', 'fraud', 'death', 'court_order', 'account')),
  alter column explanation_sealed drop not null,
  alter column frozen_by drop not null,
  alter column organization_id drop not null,
  add constraint freeze_by_somebody_or_account check (
    (reason = 'account') = (frozen_by is null) and (reason = 'account') = (organization_id is null)
    and (reason = 'account') = (explanation_sealed is null)),
  add constraint freeze_of_account_is_taken_away check (reason <> 'account' or (lifted_at is null and appealed_at is null));
