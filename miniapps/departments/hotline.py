"""12345 市民热线, the hotline: citizens file, reopen and rate; the lead dispatches, offices reply within working days.

A complaint about a scan arrives here as the city's own errand, without a word about who filed it.
"""

from typing import Annotated, Any

import msgspec
from aiohttp import web

from miniapps.departments.answers import Refusal, answer, card, openid_of, read_body, readable, widgets_asked
from miniapps.departments.desks import DESK
from miniapps.departments.program import Office, Program, in_the_citys_own_name
from miniapps.departments.tickets import FIRST_TABLES, LEAD, STATES, TABLES, Tickets
from miniapps.sdk.aiohttp_web import CITIZEN

COMPLAINTS = "/.ssb/complaints"
COMPLAINT_STATES = "/.ssb/complaints/states"
NUMBER = r"{number:[0-9]{16}}"
CONCERNS = {
    "not_me": "非本人用码",
    "asked_too_much": "询问过多",
    "wrongly_refused": "无故拒绝",
    "conduct": "现场行为",
    "other": "其他",
}


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a citizen or a desk writes."""

    text: str


class Judgement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From 1, very bad, to 5, very good."""

    level: Annotated[int, msgspec.Meta(ge=1, le=5)]


class Dispatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To which office."""

    office: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}(?![\s\S])")]


class ScanComplaint(msgspec.Struct, frozen=True):
    """What the city sends of a complaint about a scan; whatever more it may say one day is kept with the facts."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    concern: str
    scan: dict[str, Any]
    text: str | None = None


class References(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tickets that the city asks about."""

    references: Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=200)]


class CitizensDesk:
    """What citizens do here."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._tickets = Tickets(office)

    async def list_tickets(self, request: web.Request) -> web.Response:
        """Mine, newest first."""
        items, following = self._tickets.of_citizen(openid_of(request), request.query.get("after"))
        return answer({"items": items, "next": following})

    async def show(self, request: web.Request) -> web.Response:
        """One of mine, with every step."""
        row = self._tickets.own(request.match_info["number"], openid_of(request))
        return answer(self._tickets.shown(row) | {"history": self._tickets.history(row["number"])})

    async def file(self, request: web.Request) -> web.Response:
        """A new one; the same `Idempotency-Key` files once."""
        text, openid = readable((await read_body(request, Words)).text), openid_of(request)
        row = self._tickets.file(text, openid=openid, retry_key=request.headers.get("idempotency-key"))
        return answer(self._with_receipt(openid, row, "filed"), status=201)

    async def reopen(self, request: web.Request) -> web.Response:
        """Not content with the reply."""
        number, openid = request.match_info["number"], openid_of(request)
        self._tickets.own(number, openid)
        text = readable((await read_body(request, Words)).text)
        return answer(self._with_receipt(openid, self._tickets.reopen(number, text), "reopened"))

    async def rate(self, request: web.Request) -> web.Response:
        """How the reply was."""
        number, openid = request.match_info["number"], openid_of(request)
        self._tickets.own(number, openid)
        judged = await read_body(request, Judgement)
        return answer(self._with_receipt(openid, self._tickets.rate(number, judged.level), "rated"))

    def _with_receipt(self, openid: str, row: Any, step: str) -> dict[str, Any]:
        what = {"act": row["number"], "step": step}
        return self._tickets.shown(row) | {"receipt": self._office.receipts.sign(openid, what, self._office.now())}


class StaffDesk:
    """What the lead and the offices do here."""

    def __init__(self, office: Office) -> None:
        self._tickets = Tickets(office)

    async def list_tickets(self, request: web.Request) -> web.Response:
        """Those before this desk, soonest due first; `?state=` and `?overdue=1` narrow it."""
        state = request.query.get("state")
        if state is not None and state not in STATES:
            raise Refusal(400, "state-unknown", "没有这种状态", "There is no such state.")
        overdue = request.query.get("overdue") == "1"
        return answer({"items": self._tickets.of_desk(request[DESK].office, state=state, overdue=overdue)})

    async def show(self, request: web.Request) -> web.Response:
        """One of them, with the facts of the scan where it is about one."""
        row = self._tickets.at_desk(request.match_info["number"], request[DESK].office)
        facts = None if row["facts"] is None else msgspec.json.decode(row["facts"])
        return answer(self._tickets.shown(row) | {"facts": facts, "history": self._tickets.history(row["number"])})

    async def dispatch(self, request: web.Request) -> web.Response:
        """To an office; the lead alone."""
        if request[DESK].office != LEAD:
            raise Refusal(403, "lead-only", "只有派单席可以派单", "Only the lead dispatches.")
        to = (await read_body(request, Dispatch)).office
        return answer(self._tickets.shown(self._tickets.dispatch(request.match_info["number"], to)))

    async def reply(self, request: web.Request) -> web.Response:
        """To whoever filed it."""
        row = self._tickets.at_desk(request.match_info["number"], request[DESK].office)
        text = readable((await read_body(request, Words)).text)
        return answer(self._tickets.shown(self._tickets.reply(row["number"], text)))


class CitysErrands:
    """What the city itself asks here."""

    def __init__(self, office: Office) -> None:
        self._tickets = Tickets(office)

    async def take(self, request: web.Request) -> web.Response:
        """A complaint about a scan: one ticket, however often it comes."""
        in_the_citys_own_name(request)
        complaint, facts = await read_body(request, ScanComplaint), (await request.read()).decode()
        words = complaint.text or CONCERNS.get(complaint.concern, CONCERNS["other"])
        row = self._tickets.file(f"用码投诉：{words}", source_id=complaint.id, facts=facts)
        return answer({"reference": row["number"]})

    async def tell_states(self, request: web.Request) -> web.Response:
        """What became of some of them."""
        in_the_citys_own_name(request)
        asked = await read_body(request, References)
        return answer({"items": self._tickets.of_city(asked.references)})


def _routes(office: Office) -> list[web.RouteDef]:
    citizens = CitizensDesk(office)
    return [
        web.get("/tickets", citizens.list_tickets),
        web.post("/tickets", citizens.file),
        web.get(f"/tickets/{NUMBER}", citizens.show),
        web.post(f"/tickets/{NUMBER}/reopenings", citizens.reopen),
        web.post(f"/tickets/{NUMBER}/rating", citizens.rate),
    ]


def _desk(office: Office) -> list[web.RouteDef]:
    staff = StaffDesk(office)
    return [
        web.get("/desk/tickets", staff.list_tickets),
        web.get(f"/desk/tickets/{NUMBER}", staff.show),
        web.post(f"/desk/tickets/{NUMBER}/dispatch", staff.dispatch),
        web.post(f"/desk/tickets/{NUMBER}/reply", staff.reply),
    ]


def _errands(office: Office) -> list[web.RouteDef]:
    city = CitysErrands(office)
    return [web.post(COMPLAINTS, city.take), web.post(COMPLAINT_STATES, city.tell_states)]


def _cards(office: Office) -> Any:
    tickets = Tickets(office)

    async def cards(request: web.Request) -> web.Response:
        asked, citizen, found = await widgets_asked(request), request.get(CITIZEN), []
        if "notice" in asked:
            lines = [("受理时间", "Open", "24/7")]
            found.append(card(office.app_id, "notice", ("12345 市民热线", "Hotline 12345"), "/tickets", lines=lines))
        if "tickets" in asked and citizen is not None:
            mine, more = tickets.of_citizen(citizen.openid)
            lines = [("诉求单", "Request", f"{ticket['number']} {ticket['state_name']}") for ticket in mine[:3]]
            count = f"{len(mine)}+" if more else str(len(mine))
            title = (f"我的诉求 {count} 件", f"{count} requests of mine")
            found.append(card(office.app_id, "tickets", title, "/tickets", lines=lines))
        return answer({"cards": found})

    return cards


PROGRAM = Program(
    name="hotline",
    tables=(FIRST_TABLES, TABLES),
    routes=_routes,
    cards=_cards,
    desk=_desk,
    errands=_errands,
    chores=lambda office: Tickets(office).close_old(),
)

if __name__ == "__main__":
    PROGRAM.command()()
