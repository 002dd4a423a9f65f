"""The departments that ship pass the kit; the one that misbehaves does not, whichever way it misbehaves."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from auth.documents import make_synthetic_credit_code
from gateway.network import NetworkPolicy
from gateway.probing import trial_network
from miniapps.conformance.models import ConformanceReport
from miniapps.conformance.running import examine
from miniapps.departments import appointments, chaos, hotline, library
from miniapps.departments.program import Program
from miniapps.manifest import canonical_bytes, manifest_hash
from miniapps.sandbox.signing import CityKeys, Signer
from miniapps.sdk import Jwks, Verifier
from tests.miniapps.conformance.departments import failures

ISSUER = "http://city.test/sandbox"


@asynccontextmanager
async def serving(program: Program, keys: CityKeys, data: Path, chosen: dict[str, Any]) -> AsyncIterator[str]:
    """The department on a port of loopback."""
    signer = Signer(issuer=ISSUER, app_id=program.app_id, authority="", zone="", keys=keys, now=lambda: 0)
    verifier = Verifier(app_id=program.app_id, issuer=ISSUER, keys=Jwks(signer.city().jwks()))
    office = program.open_office(data)
    for part, mode in chosen.items():
        chaos.choose(office, part, mode)
    runner = web.AppRunner(program.application(office, verifier), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        office.store.close()


async def report_on(program: Program, data: Path, **chosen: Any) -> ConformanceReport:
    """As the city tries it: by the way that its network policy guards."""
    keys = CityKeys.fresh()
    async with serving(program, keys, data, chosen) as place:
        document = json.dumps(
            program.manifest(f"http://{place}", org_code=make_synthetic_credit_code(sequence=9))
        ).encode()
        async with trial_network(NetworkPolicy(allowed=frozenset({place})))() as network:
            return await examine(
                canonical_bytes(document),
                manifest_hash=manifest_hash(document),
                backend=f"http://{place}",
                issuer=ISSUER,
                keys=keys,
                network=network,
                environment="sandbox",
                now=lambda: datetime.now(UTC),
            )


@pytest.mark.parametrize("program", [library.PROGRAM, hotline.PROGRAM, appointments.PROGRAM], ids=lambda one: one.name)
async def test_a_department_that_ships_passes(program: Program, tmp_path: Path) -> None:
    report = await report_on(program, tmp_path)

    assert failures(report) == set()
    assert report.count("warned") == 0


async def test_chaos_that_behaves_passes(tmp_path: Path) -> None:
    assert failures(await report_on(chaos.PROGRAM, tmp_path, calls="good", cards="good")) == set()


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("redirect", {"good-call", "every-route", "personal-cards"}),
        ("reset", {"good-call", "every-route", "personal-cards"}),
        ("bad-json", {"personal-cards", "masked-json"}),
        ("foreign-links", {"personal-cards"}),
    ],
)
async def test_chaos_is_found_out(tmp_path: Path, mode: str, expected: set[str]) -> None:
    assert expected <= failures(await report_on(chaos.PROGRAM, tmp_path, calls=mode, cards=mode))


@pytest.mark.parametrize(("mode", "case"), [("leaking", "document-numbers"), ("hostile-headers", "dropped-headers")])
async def test_chaos_is_warned_of(tmp_path: Path, mode: str, case: str) -> None:
    report = await report_on(chaos.PROGRAM, tmp_path, calls=mode, cards="good")

    assert case in {one.id for one in report.cases if one.outcome == "warned"}
