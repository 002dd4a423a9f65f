"""The counter redeems and follows a form; the citizen reads and decides it."""

from uuid import UUID

from litestar import Router, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from app.kit.database import Connection
from app.kit.http import After, Injected, Limit
from app.kit.idempotency import Once
from auth.guards import person
from auth.principal import Principal
from codes.counters.form_tickets.models import CaseView, DecideForm, FormList, FormView, PrefilledForm, RedeemTicket
from codes.counters.form_tickets.service import FormTickets
from codes.venues.scanners.guards import ScannerGate, carry, provide_scanner, scanner
from codes.venues.scanners.models import Scanner


@post(
    "/v1/form-tickets/redemptions",
    guards=[scanner],
    summary="Redeem a form ticket for prefilled fields",
    description="亮码办事、免填表. Signed by a scanner of the organization that scanned. Exactly one request gets the "
    "fields; repeat one whose answer was lost with the same `request_id`. The case counts once the citizen confirmed.",
)
async def redeem_ticket(
    data: JSONBody[RedeemTicket],
    calling: Injected[Scanner],
    connection: Injected[Connection],
    form_tickets: Injected[FormTickets],
) -> PrefilledForm:
    """Fields are those that the scan disclosed, and no more than are asked for."""
    return await form_tickets.redeem(connection, calling, data)


@get("/v1/form-tickets/{form_id:uuid}", guards=[scanner], summary="What became of a form")
async def read_case(
    form_id: FromPath[UUID],
    calling: Injected[Scanner],
    connection: Injected[Connection],
    form_tickets: Injected[FormTickets],
) -> CaseView:
    """For the organization that redeemed it: waiting, confirmed, declined, or lapsed. Only a confirmed one counts."""
    return await form_tickets.read_case(connection, calling, form_id)


@get("/v1/codes/forms", guards=[person()], summary="Forms that counters filled in for me")
async def list_my_forms(
    principal: Injected[Principal],
    connection: Injected[Connection],
    form_tickets: Injected[FormTickets],
    after: After = None,
    limit: Limit = 20,
) -> FormList:
    """Which counter, for what, with which fields, on which basis; newest first."""
    return await form_tickets.list_mine(connection, principal, after=after, limit=limit)


@post(
    "/v1/codes/forms/{form_id:uuid}/decision",
    guards=[person()],
    status_code=HTTP_200_OK,
    summary="Confirm or decline a form",
)
async def decide_form(
    *,
    form_id: FromPath[UUID],
    data: JSONBody[DecideForm],
    principal: Injected[Principal],
    connection: Injected[Connection],
    once: Injected[Once],
    form_tickets: Injected[FormTickets],
) -> FormView:
    """Within half an hour; silence is a no. A guardian who showed a child's code decides for the child."""
    return await once(FormView, lambda: form_tickets.decide(connection, principal, form_id, data))


def form_ticket_router(form_tickets: FormTickets, gate: ScannerGate) -> Router:
    """The counter's and the citizen's routes."""
    return Router(
        path="/",
        route_handlers=[redeem_ticket, read_case, list_my_forms, decide_form],
        dependencies={
            "form_tickets": Provide(lambda: form_tickets, sync_to_thread=False),
            "calling": Provide(provide_scanner, sync_to_thread=False),
        },
        opt=carry(gate),
        tags=["codes: counters"],
    )
