"""STAND-IN. A population registry and an enterprise registry over invented people and companies, a program of its own.

It answers on loopback only, so that a real-name check in the demo city is a real HTTP call. Everybody in it is
synthetic: region 190000 was never given out. Run it with `python -m app.demo.registries --port 8101`.
"""

import argparse
from datetime import date
from typing import TypeVar

import msgspec
from aiohttp import web

from app.kit.structs import Model, Request
from auth.documents import make_synthetic_credit_code, make_synthetic_id_number

Question = TypeVar("Question", bound=Request)

STAND_IN = "stand-in registry, synthetic data only"
LONGEST_QUESTION = 4096
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
)

CITIZEN, SECOND_CITIZEN, RESPONSIBLE = RESIDENTS[:3]

CHILD, SIBLING, PUPIL, GROWN_UP = CHILDREN = (
    _resident("演示小朋友", 2018, 21),
    _resident("演示小小朋友", 2021, 22),
    _resident("测试丁", 2016, 23),
    _resident("测试戊", 2004, 24),
)

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
    for resident in (*RESIDENTS, *CHILDREN):
        if (resident.name, resident.document_type, resident.document_number) == asked:
            return resident
    return None


def check_enterprise(question: EnterpriseQuestion) -> dict[str, object]:
    """The answer of the enterprise registry; without a match it names nothing."""
    for enterprise in ENTERPRISES:
        responsible = (enterprise.responsible.name, enterprise.responsible.document_number)
        if enterprise.credit_code == question.credit_code and responsible == (question.name, question.document_number):
            facts = {"name": enterprise.name, "role": enterprise.role, "status": enterprise.status}
            return {"match": True, **facts, "served_by": STAND_IN}
    return {"match": False, "served_by": STAND_IN}


def build_application() -> web.Application:
    """Both registries in one server."""
    application = web.Application(client_max_size=LONGEST_QUESTION)
    application.router.add_get("/health", _answer_health)
    application.router.add_post("/v1/people/check", _answer_person)
    application.router.add_post("/v1/guardianships/check", _answer_guardian)
    application.router.add_post("/v1/enterprises/check", _answer_enterprise)
    return application


async def _answer_health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "up", "served_by": STAND_IN})


async def _answer_person(request: web.Request) -> web.Response:
    return web.json_response(check_person(_decode(await request.read(), PersonQuestion)))


async def _answer_guardian(request: web.Request) -> web.Response:
    return web.json_response(check_guardian(_decode(await request.read(), GuardianQuestion)))


async def _answer_enterprise(request: web.Request) -> web.Response:
    return web.json_response(check_enterprise(_decode(await request.read(), EnterpriseQuestion)))


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
