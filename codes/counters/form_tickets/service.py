"""Issues, redeems and decides form tickets. A ticket gives exactly what its scan disclosed, once, to the same counter.

What the fields say is asked of identity when they leave and stored nowhere; the citizen reads which ones they were.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from app.kit import audit
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.ids import new_id, new_token
from app.kit.listing import cut
from auth.principal import Principal
from codes.counters.form_tickets import repository
from codes.counters.form_tickets.errors import (
    CounterNotAllowed,
    FormDecided,
    FormLapsed,
    FormUnknown,
    HolderNotStanding,
    TicketExpired,
    TicketNotYours,
    TicketUnknown,
    TicketUsed,
)
from codes.counters.form_tickets.models import (
    SCAN_SIGNED_AFTER,
    SCAN_SIGNED_BEFORE,
    TICKET_LIVES,
    UNREDEEMED_STAYS,
    CaseView,
    DecideForm,
    FormList,
    FormTicket,
    FormView,
    PrefilledForm,
    RedeemTicket,
)
from codes.counters.form_tickets.ports import Redeems, StandsBehind, TellsPeople
from codes.scenarios.catalogue import Scenarios
from codes.verdict import Reason, ScannedBy
from codes.verification.ports import AcceptedScan, Holder
from codes.worth import KnowsLevels, require_worth


class FormTickets:
    """Form tickets from the scan to the citizen's word."""

    def __init__(
        self,
        *,
        holders: StandsBehind,
        levels: KnowsLevels,
        scenarios: Scenarios,
        clock: Clock,
        messages: TellsPeople | None = None,
    ) -> None:
        self._holders = holders
        self._levels = levels
        self._scenarios = scenarios
        self._clock = clock
        self._messages = messages

    async def issue(self, connection: Connection, scan: AcceptedScan, holder: Holder, now: datetime, /) -> str | None:
        """A ticket where the scenario is a counter's and the scan says for which item; else None."""
        if not scan.scenario.form_ticket or scan.item is None or holder.subject_type != "person":
            return None
        token = new_token(32)
        scanner = scan.scanner
        await repository.insert_ticket(
            connection,
            FormTicket(
                id=new_id(),
                ticket_hash=_hash(token),
                verification_id=scan.id,
                item=scan.item,
                scenario=scan.scenario.number,
                basis=scan.scenario.basis_kind,
                organization_id=scanner.organization_id,
                site_id=scanner.site_id,
                counter=ScannedBy(org=scanner.organization_name, site=scanner.site_name, device=scanner.device_name),
                person_id=holder.subject_id,
                guardian_id=holder.guardian_id,
                state="issued",
                issued_at=now,
                expires_at=now + TICKET_LIVES,
                forget_at=now + UNREDEEMED_STAYS,
            ),
        )
        return token

    async def redeem(self, connection: Connection, scanner: Redeems, request: RedeemTicket) -> PrefilledForm:
        """The prefilled fields, to one request on all workers; its repetition by `request_id` gets them again.

        Raises `TicketUnknown`, `TicketNotYours`, `CounterNotAllowed`, `TicketUsed`, `TicketExpired`,
        `HolderNotStanding`.
        """
        now = self._clock.now()
        ticket = await repository.find_by_hash_for_update(connection, _hash(request.ticket))
        if ticket is None:
            raise TicketUnknown
        _require_counter(scanner, ticket)
        repeated = _is_repetition(scanner, ticket, request)
        if ticket.state == "declined" or (not repeated and ticket.state != "issued"):
            raise TicketUsed
        if now >= ticket.expires_at:
            raise TicketExpired
        fields = await self._fields(connection, ticket, request, now)
        if repeated:  # what the citizen was told of, whatever is asked this time
            fields = {name: value for name, value in fields.items() if name in (ticket.fields or ())}
        else:
            ticket = await self._redeem(connection, scanner, ticket, request, sorted(fields))
        return _prefilled(ticket, fields, repeated=repeated)

    async def read_case(self, connection: Connection, scanner: Redeems, form_id: UUID) -> CaseView:
        """What became of a form, for the organization that redeemed it. Raises `FormUnknown`."""
        form = await repository.find_redeemed(connection, form_id)
        if form is None or form.organization_id != scanner.organization_id:
            raise FormUnknown
        assert form.title is not None
        assert form.confirm_before is not None
        return CaseView(
            id=form.id,
            verification_id=form.verification_id,
            item=form.item,
            title=form.title,
            channel="counter",
            state=form.state_at(self._clock.now()),
            confirm_before=form.confirm_before,
            decided_at=form.decided_at,
        )

    async def list_mine(
        self, connection: Connection, principal: Principal, *, after: UUID | None, limit: int
    ) -> FormList:
        """The caller's forms, and those for children whose codes they showed. Raises `IdentityLevelTooLow`."""
        await require_worth(self._levels, connection, principal)
        rows = await repository.list_of_person(connection, principal.subject_id, after, limit + 1)
        page, following = cut(rows, limit)
        return FormList(items=[self._view(row, principal) for row in page], next=following)

    async def decide(
        self, connection: Connection, principal: Principal, form_id: UUID, request: DecideForm
    ) -> FormView:
        """The citizen confirms or declines, once and in time.

        Raises `IdentityLevelTooLow`, `FormUnknown`, `FormDecided`, `FormLapsed`.
        """
        await require_worth(self._levels, connection, principal)
        form, now = await repository.find_redeemed_for_update(connection, form_id), self._clock.now()
        if form is None or principal.subject_id not in {form.person_id, form.guardian_id}:
            raise FormUnknown
        if form.state != "redeemed":
            raise FormDecided
        if form.state_at(now) == "lapsed":
            raise FormLapsed
        await repository.mark_decided(connection, form_id, request.decision, now, principal.subject_id)
        await self._record(connection, principal.actor, f"form.{request.decision}", form)
        decided = msgspec.structs.replace(form, state=request.decision, decided_at=now, decided_by=principal.subject_id)
        return self._view(decided, principal)

    async def forget(self, connection: Connection) -> None:
        """Deletes what is over; a periodic job."""
        await repository.delete_forgotten(connection, self._clock.now())

    async def _fields(
        self, connection: Connection, ticket: FormTicket, request: RedeemTicket, now: datetime
    ) -> dict[str, Any]:
        holder = Holder(
            subject_type="person",
            subject_id=ticket.person_id,
            guardian_id=ticket.guardian_id,
            mandate_id=None,
        )
        scenario = self._scenarios.get(ticket.scenario)
        if await self._holders.standing(connection, holder, scenario, now) is not Reason.OK:
            raise HolderNotStanding
        disclosed = await repository.find_disclosed(
            connection,
            ticket.verification_id,
            ticket.issued_at - SCAN_SIGNED_BEFORE,
            ticket.issued_at + SCAN_SIGNED_AFTER,
        )
        wanted = disclosed if request.fields is None else disclosed & frozenset(request.fields)
        return await self._holders.disclose(
            connection, holder, wanted, scenario=ticket.scenario, asked_by=ticket.organization_id
        )

    async def _redeem(
        self,
        connection: Connection,
        scanner: Redeems,
        ticket: FormTicket,
        request: RedeemTicket,
        fields: list[str],
    ) -> FormTicket:
        now = self._clock.now()
        redeemed = msgspec.structs.replace(
            ticket,
            state="redeemed",
            redeemed_at=now,
            redeemed_by=scanner.id,
            request_id=request.request_id,
            title=request.title,
            fields=fields,
            forget_at=now + timedelta(days=self._scenarios.get(ticket.scenario).retention_days),
        )
        await repository.mark_redeemed(connection, redeemed)
        if self._messages is not None:
            told = ticket.guardian_id or ticket.person_id
            await self._messages.write(connection, told, "form_prefilled", now)
        await self._record(connection, scanner.actor, "form.redeemed", redeemed)
        return redeemed

    def _view(self, form: FormTicket, principal: Principal) -> FormView:
        assert form.title is not None
        assert form.fields is not None
        assert form.redeemed_at is not None
        assert form.confirm_before is not None
        return FormView(
            id=form.id,
            on_behalf_of=None if form.person_id == principal.subject_id else form.person_id,
            item=form.item,
            title=form.title,
            channel="counter",
            counter=form.counter,
            basis=form.basis,
            fields=form.fields,
            state=form.state_at(self._clock.now()),
            redeemed_at=form.redeemed_at,
            confirm_before=form.confirm_before,
            decided_at=form.decided_at,
        )

    async def _record(self, connection: Connection, actor: str, action: str, form: FormTicket) -> None:
        await audit.record(
            connection,
            clock_now=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"person:{form.person_id}",
            detail={"form_id": str(form.id), "verification_id": str(form.verification_id), "item": form.item},
        )


def _require_counter(scanner: Redeems, ticket: FormTicket) -> None:
    if ticket.organization_id != scanner.organization_id:
        raise TicketNotYours
    if scanner.refusal_of(ticket.scenario) is not None:
        raise CounterNotAllowed


def _is_repetition(scanner: Redeems, ticket: FormTicket, request: RedeemTicket) -> bool:
    """The same device asks the same once more, because it never heard the answer."""
    asked = (scanner.id, request.request_id, request.title)
    return request.request_id is not None and asked == (ticket.redeemed_by, ticket.request_id, ticket.title)


def _prefilled(ticket: FormTicket, fields: dict[str, Any], *, repeated: bool) -> PrefilledForm:
    assert ticket.title is not None
    assert ticket.confirm_before is not None
    return PrefilledForm(
        id=ticket.id,
        verification_id=ticket.verification_id,
        item=ticket.item,
        title=ticket.title,
        channel="counter",
        basis=ticket.basis,
        fields=fields,
        confirm_before=ticket.confirm_before,
        repeated=repeated,
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
