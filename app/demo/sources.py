"""STAND-IN. Registers of departments over invented enterprises: what each already knows, and how fresh; one program.

It answers on loopback only, so that an enterprise check in the demo city asks over real HTTP. A register is found
under its name: `http://127.0.0.1:PORT/fire`. Run it with `python -m app.demo.sources --port 8102`.
"""

import argparse
from datetime import UTC, datetime, timedelta

import msgspec
from aiohttp import web

from app.kit.structs import Model, Text
from auth.documents import credit_code_is_valid, make_synthetic_credit_code

STAND_IN = "stand-in sources, synthetic data only"
LAST_PORT = 65_535
UPDATED_BEFORE = {"licences": timedelta(minutes=20), "credit": timedelta(days=9)}
"""How old the stand-in's knowledge is: credit is older than its register allows, so it is shown as old."""
OTHERWISE_BEFORE = timedelta(hours=3)


class Fact(Model):
    """One line of a register."""

    label: Text
    value: Text
    level: str = "normal"
    evidence: str | None = None
    """The document that this line stands in for."""


class Answer(Model):
    """What a register says of an enterprise."""

    credit_code: str
    as_of: datetime
    facts: list[Fact]
    served_by: str = STAND_IN


def _fact(label: tuple[str, str], value: tuple[str, str], level: str = "normal", evidence: str | None = None) -> Fact:
    return Fact(
        label=Text(zh=label[0], en=label[1]), value=Text(zh=value[0], en=value[1]), level=level, evidence=evidence
    )


REGISTERS: dict[str, list[Fact]] = {
    "emergency": [
        _fact(
            ("应急预案备案", "Emergency plan"),
            ("已备案，2026 年 1 月", "On file, January 2026"),
            evidence="emergency_plan_filing",
        ),
        _fact(("应急演练", "Emergency drill"), ("最近一次 2026 年 2 月", "Last held in February 2026")),
    ],
    "work_safety": [
        _fact(
            ("安全生产标准化", "Work-safety standard"),
            ("三级达标", "Level 3 reached"),
            evidence="work_safety_standard",
        ),
        _fact(("隐患整改", "Hazards to put right"), ("1 项逾期", "One overdue"), "attention", "hazard_record"),
    ],
    "fire": [
        _fact(("开业前消防检查", "Fire check before opening"), ("合格", "Passed"), evidence="fire_certificate"),
        _fact(
            ("灭火器检验", "Extinguishers"),
            ("2 具将于本月到期", "Two are due this month"),
            "attention",
            "extinguisher_inspection",
        ),
        _fact(("疏散通道", "Escape routes"), ("上次检查畅通", "Clear at the last check")),
    ],
    "food": [
        _fact(
            ("食品经营许可", "Food business licence"),
            ("有效，至 2028 年 6 月", "Valid until June 2028"),
            evidence="food_licence",
        ),
        _fact(("量化等级", "Hygiene grade"), ("B 级", "Grade B")),
    ],
    "licences": [
        _fact(("行政许可", "Permits"), ("排水许可有效", "Drainage permit valid"), evidence="special_permits"),
    ],
    "credit": [
        _fact(("行政处罚", "Penalties"), ("近三年无", "None in three years"), evidence="credit_report"),
    ],
}

KNOWN = frozenset(make_synthetic_credit_code(sequence=sequence) for sequence in (1, 2))
"""The restaurant and the bookshop of `app.demo.registries`."""


def answer_of(register: str, credit_code: str, now: datetime) -> Answer:
    """What the register knows; of an enterprise that it does not know, no facts."""
    facts = REGISTERS[register] if credit_code in KNOWN else []
    age = UPDATED_BEFORE.get(register, OTHERWISE_BEFORE)
    return Answer(credit_code=credit_code, as_of=now - age, facts=facts)


def build_application() -> web.Application:
    """All registers in one server."""
    application = web.Application()
    application.router.add_get("/health", _answer_health)
    application.router.add_get("/{register}/v1/enterprises/{credit_code}", _answer_enterprise)
    return application


async def _answer_health(_request: web.Request) -> web.Response:
    return web.json_response({"status": "up", "served_by": STAND_IN})


async def _answer_enterprise(request: web.Request) -> web.Response:
    register, credit_code = request.match_info["register"], request.match_info["credit_code"]
    if register not in REGISTERS or not credit_code_is_valid(credit_code):
        raise web.HTTPNotFound(text='{"error": "not found"}', content_type="application/json")
    body = msgspec.json.encode(answer_of(register, credit_code, datetime.now(UTC)))
    return web.Response(body=body, content_type="application/json")


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
