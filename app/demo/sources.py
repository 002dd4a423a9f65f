"""STAND-IN. Registers of the emergency, work-safety and fire departments over invented enterprises, one program.

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
UPDATED_BEFORE = timedelta(hours=3)


class Fact(Model):
    """One line of a register."""

    label: Text
    value: Text
    level: str = "normal"


class Answer(Model):
    """What a register says of an enterprise."""

    credit_code: str
    as_of: datetime
    facts: list[Fact]
    served_by: str = STAND_IN


def _fact(label: tuple[str, str], value: tuple[str, str], level: str = "normal") -> Fact:
    return Fact(label=Text(zh=label[0], en=label[1]), value=Text(zh=value[0], en=value[1]), level=level)


REGISTERS: dict[str, list[Fact]] = {
    "emergency": [
        _fact(("应急预案备案", "Emergency plan"), ("已备案，2026 年 1 月", "On file, January 2026")),
        _fact(("应急演练", "Emergency drill"), ("最近一次 2026 年 2 月", "Last held in February 2026")),
    ],
    "work_safety": [
        _fact(("安全生产标准化", "Work-safety standard"), ("三级达标", "Level 3 reached")),
        _fact(("隐患整改", "Hazards to put right"), ("1 项逾期", "One overdue"), "attention"),
    ],
    "fire": [
        _fact(("开业前消防检查", "Fire check before opening"), ("合格", "Passed")),
        _fact(("灭火器检验", "Extinguishers"), ("2 具将于本月到期", "Two are due this month"), "attention"),
        _fact(("疏散通道", "Escape routes"), ("上次检查畅通", "Clear at the last check")),
    ],
}

KNOWN = frozenset(make_synthetic_credit_code(sequence=sequence) for sequence in (1, 2))
"""The restaurant and the bookshop of `app.demo.registries`."""


def answer_of(register: str, credit_code: str, now: datetime) -> Answer:
    """What the register knows; of an enterprise that it does not know, no facts."""
    facts = REGISTERS[register] if credit_code in KNOWN else []
    return Answer(credit_code=credit_code, as_of=now - UPDATED_BEFORE, facts=facts)


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
