"""STAND-IN. Population and enterprise registries and a face service over invented people, a program of its own.

It answers on loopback only, so that a real-name check in the demo city is a real HTTP call. Everybody in it is
synthetic: region 190000 was never given out. Run it with `python -m app.demo.registries --port 8101`.
"""

import argparse
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Literal, TypeVar

import msgspec
from aiohttp import web

from app.kit.structs import Model, Request
from auth.documents import make_synthetic_credit_code, make_synthetic_id_number

Question = TypeVar("Question", bound=Request)

STAND_IN = "stand-in registry, synthetic data only"
LONGEST_QUESTION = 8192
MOST_ENTRIES = 50
LAST_PORT = 65_535


class Resident(Model):
    """Somebody who does not exist."""

    name: str
    document_number: str
    document_type: str = "id_card"


class Enterprise(Model):
    """A company that does not exist, and who answers for it."""

    credit_code: str
    name: str
    role: str
    responsible: Resident
    status: str = "active"


class PersonQuestion(Request):
    """Do this name and this number belong together?"""

    name: str
    document_type: str
    document_number: str


class GuardianQuestion(Request):
    """Is the one the guardian of the other?"""

    guardian: PersonQuestion
    child: PersonQuestion


class SamePersonQuestion(Request):
    """Were both documents issued to one human being?"""

    known: PersonQuestion
    claimed: PersonQuestion


class FeedQuestion(Request):
    """What is new since?"""

    after: str


class ChangeEntry(Request):
    """A clerk of the stand-in enters what became of a company."""

    credit_code: str
    status: str


class FaceQuestion(Request):
    """Is this the face on that document?"""

    holder: PersonQuestion
    challenge: str
    evidence: str


class FaceTaken(Request):
    """A phone of the stand-in took somebody's face for a challenge."""

    document_number: str
    challenge: str


class CorrectionEntry(Request):
    """What somebody says is wrong in the register."""

    reference: str
    holder: PersonQuestion
    field: str
    claimed: str
    explanation: str


class CorrectionQuestion(Request):
    """What became of it?"""

    reference: str


class CorrectionDecision(Request):
    """What a clerk decided."""

    reference: str
    state: Literal["accepted", "refused"]
    reason: str


class EnterpriseQuestion(Request):
    """Does this person answer for this company?"""

    credit_code: str
    name: str
    document_number: str


def _resident(name: str, year: int, sequence: int) -> Resident:
    return Resident(name=name, document_number=make_synthetic_id_number(birth=date(year, 3, 15), sequence=sequence))


RESIDENTS = (
    _resident("演示用户一", 1990, 1),
    _resident("演示用户二", 1985, 2),
    _resident("演示法人", 1978, 3),
    _resident("测试甲", 1992, 4),
    _resident("测试乙", 1993, 5),
    _resident("测试丙", 2012, 6),
    _resident("阿依·测试", 1988, 7),
    _resident("王\U00020089", 1966, 8),
    *(_resident(f"压测用户{digit}", 1970, 100 + number) for number, digit in enumerate("零壹贰叁肆伍陆柒捌玖")),
    _resident("测试己", 1994, 9),
)

CITIZEN, SECOND_CITIZEN, RESPONSIBLE = RESIDENTS[:3]
TRAVELLER = RESIDENTS[-1]

CHILD, SIBLING, PUPIL, GROWN_UP = CHILDREN = (
    _resident("演示小朋友", 2018, 21),
    _resident("演示小小朋友", 2021, 22),
    _resident("测试丁", 2016, 23),
    _resident("测试戊", 2004, 24),
)

FOREIGNER = Resident(
    name="CESHI, ALEX", document_number="ZZZ190000000001", document_type="foreigner_permanent_residence"
)
FOREIGNER_CARD_2023 = Resident(
    name="CESHI ALEX",
    document_number=make_synthetic_id_number(birth=date(1984, 3, 15), sequence=31, region="919000"),
    document_type="foreigner_permanent_residence",
)
HONG_KONG_RESIDENT = Resident(
    name="測試港",
    document_number=make_synthetic_id_number(birth=date(1991, 3, 15), sequence=32, region="810000"),
    document_type="residence_permit_hk_macau_taiwan",
)
PASSPORT = Resident(name="CESHI JIA", document_number="E19000004", document_type="passport")
RENEWED_PASSPORT = Resident(name="CESHI JIA", document_number="E19000044", document_type="passport")
TRAVEL_PERMIT = Resident(name="測試港", document_number="H19000001", document_type="travel_permit_hk_macau")
RENAMED = Resident(name="测试新", document_number=RESIDENTS[4].document_number)

SAME_PERSON = (
    {RESIDENTS[3], PASSPORT, RENEWED_PASSPORT},
    {RESIDENTS[4], RENAMED},
    {FOREIGNER, FOREIGNER_CARD_2023},
    {HONG_KONG_RESIDENT, TRAVEL_PERMIT},
)
"""Documents of one human being. The fifth resident's new name stands in the register beside the old one."""

GUARDIANSHIPS = (
    (CITIZEN, CHILD),
    (CITIZEN, SIBLING),
    (SECOND_CITIZEN, CHILD),
    (RESIDENTS[6], PUPIL),
    (CITIZEN, GROWN_UP),
)
"""Guardian and child. The last one came of age years ago, and the register was not tidied."""

ENTERPRISES = (
    Enterprise(
        credit_code=make_synthetic_credit_code(sequence=1),
        name="演示餐饮有限公司",
        role="法定代表人",
        responsible=RESPONSIBLE,
    ),
    Enterprise(
        credit_code=make_synthetic_credit_code(sequence=2),
        name="演示书店（个体工商户）",
        role="经营者",
        responsible=SECOND_CITIZEN,
    ),
    Enterprise(
        credit_code=make_synthetic_credit_code(sequence=3),
        name="演示歇业有限公司",
        role="法定代表人",
        responsible=RESPONSIBLE,
        status="closed",
    ),
)

RESTAURANT = ENTERPRISES[0]


def check_person(question: PersonQuestion) -> dict[str, object]:
    """The answer of the population registry."""
    return {"match": _find_resident(question) is not None, "served_by": STAND_IN}


def check_guardian(question: GuardianQuestion) -> dict[str, object]:
    """The answer of the population registry about a guardian; without a match it says nothing of the child."""
    guardian, child = _find_resident(question.guardian), _find_resident(question.child)
    return {"match": (guardian, child) in GUARDIANSHIPS, "served_by": STAND_IN}


def _find_resident(question: PersonQuestion) -> Resident | None:
    asked = (question.name, question.document_type, question.document_number)
    for resident in (*RESIDENTS, *CHILDREN, *(document for person in SAME_PERSON for document in person)):
        if (resident.name, resident.document_type, resident.document_number) == asked:
            return resident
    return None


def check_same_person(question: SamePersonQuestion) -> dict[str, object]:
    """The answer of the population registry about two documents."""
    known, claimed = _find_resident(question.known), _find_resident(question.claimed)
    match = known is not None and (known == claimed or any({known, claimed} <= person for person in SAME_PERSON))
    return {"match": match, "served_by": STAND_IN}


class Feed:
    """What clerks entered, in order. The cursor is how many entries were read since this program began."""

    def __init__(self) -> None:
        self._entries: list[dict[str, str]] = []
        self._begun = secrets.token_hex(4)

    def enter(self, entry: Request) -> None:
        """One more."""
        self._entries.append(msgspec.to_builtins(entry))

    def answer(self, question: FeedQuestion) -> dict[str, object]:
        """The entries behind the cursor."""
        begun, _, read = question.after.partition(":")
        start = int(read) if begun == self._begun and read.isdecimal() else 0
        entries = self._entries[start : start + MOST_ENTRIES]
        return {"items": entries, "next": f"{self._begun}:{start + len(entries)}", "served_by": STAND_IN}


class Faces:
    """What this stand-in knows of faces: its own word, sealed, that it saw one."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def take(self, taken: FaceTaken) -> dict[str, object]:
        """Evidence that the holder of this document was seen alive for this challenge."""
        return {"evidence": self._evidence(taken.document_number, taken.challenge), "served_by": STAND_IN}

    def check(self, question: FaceQuestion) -> dict[str, object]:
        """Whether the evidence is ours, and of this person, who must exist."""
        expected = self._evidence(question.holder.document_number, question.challenge)
        same = hmac.compare_digest(expected.encode(), question.evidence.encode())
        return {"match": same and _find_resident(question.holder) is not None, "served_by": STAND_IN}

    def _evidence(self, document_number: str, challenge: str) -> str:
        return hmac.new(self._key, f"{document_number}\0{challenge}".encode(), hashlib.sha256).hexdigest()


def check_enterprise(question: EnterpriseQuestion) -> dict[str, object]:
    """The answer of the enterprise registry; without a match it names nothing."""
    for enterprise in ENTERPRISES:
        responsible = (enterprise.responsible.name, enterprise.responsible.document_number)
        if enterprise.credit_code == question.credit_code and responsible == (question.name, question.document_number):
            facts = {"name": enterprise.name, "role": enterprise.role, "status": enterprise.status}
            return {"match": True, **facts, "served_by": STAND_IN}
    return {"match": False, "served_by": STAND_IN}


class CorrectionsDesk:
    """Takes corrections; a clerk decides them. Each once, however often it is handed in."""

    def __init__(self) -> None:
        self._states: dict[str, tuple[str, str]] = {}

    def take(self, entry: CorrectionEntry) -> dict[str, object]:
        """Files it; only somebody whom the registry knows may ask."""
        if _find_resident(entry.holder) is None:
            raise web.HTTPNotFound(text='{"error": "unknown"}', content_type="application/json")
        self._states.setdefault(entry.reference, ("open", ""))
        return {"state": "open", "served_by": STAND_IN}

    def answer(self, question: CorrectionQuestion) -> dict[str, object]:
        """What became of it."""
        state, reason = self._states.get(question.reference, ("open", ""))
        return {"state": state, "reason": reason, "served_by": STAND_IN}

    def decide(self, decision: CorrectionDecision) -> dict[str, object]:
        """The clerk's word."""
        self._states[decision.reference] = (decision.state, decision.reason)
        return {"decided": True, "served_by": STAND_IN}


def build_application() -> web.Application:
    """All of them in one server. Below `/stand-in/` is what clerks and phones do, not the city."""
    deaths, changes, faces = Feed(), Feed(), Faces()
    application = web.Application(client_max_size=LONGEST_QUESTION)
    application.router.add_post("/v1/people/same", _answering(SamePersonQuestion, check_same_person))
    application.router.add_post("/v1/people/deaths", _answering(FeedQuestion, deaths.answer))
    application.router.add_post("/v1/enterprises/changes", _answering(FeedQuestion, changes.answer))
    application.router.add_post("/v1/faces/check", _answering(FaceQuestion, faces.check))
    application.router.add_post("/stand-in/deaths", _answering(PersonQuestion, _entering(deaths)))
    application.router.add_post("/stand-in/changes", _answering(ChangeEntry, _entering(changes)))
    application.router.add_post("/stand-in/faces", _answering(FaceTaken, faces.take))
    corrections = CorrectionsDesk()
    application.router.add_post("/v1/corrections", _answering(CorrectionEntry, corrections.take))
    application.router.add_post("/v1/corrections/state", _answering(CorrectionQuestion, corrections.answer))
    application.router.add_post("/stand-in/corrections", _answering(CorrectionDecision, corrections.decide))
    application.router.add_get("/health", _answer_health)
    application.router.add_post("/v1/people/check", _answering(PersonQuestion, check_person))
    application.router.add_post("/v1/guardianships/check", _answering(GuardianQuestion, check_guardian))
    application.router.add_post("/v1/enterprises/check", _answering(EnterpriseQuestion, check_enterprise))
    return application


async def _answer_health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "up", "served_by": STAND_IN})


def _answering(
    kind: type[Question], answer: Callable[[Question], dict[str, object]]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response(answer(_decode(await request.read(), kind)))

    return handler


def _entering(feed: Feed) -> Callable[[Request], dict[str, object]]:
    def enter(entry: Request) -> dict[str, object]:
        feed.enter(entry)
        return {"entered": True, "served_by": STAND_IN}

    return enter


def _decode(body: bytes, kind: type[Question]) -> Question:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError:
        raise web.HTTPBadRequest(text='{"error": "malformed"}', content_type="application/json") from None


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="loopback port to listen on")
    port = parser.parse_args().port
    if not 0 < port <= LAST_PORT:
        parser.error("the port must be from 1 to 65535")
    print(f"{STAND_IN}: http://127.0.0.1:{port}", flush=True)
    web.run_app(build_application(), host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
