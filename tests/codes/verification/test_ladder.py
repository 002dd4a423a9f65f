"""The ladder as a whole: one person, one scenario, one shape of result; and the client of docs/ladder.md, run."""

import re
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import ManualClock
from app.kit.database import Connection
from app.kit.vault import Vault
from auth.documents import make_synthetic_id_number
from auth.pairwise import pairwise_id
from codes.envelope import base45
from codes.envelope.cose import Environment
from codes.showing.grants.models import RevokeCodes
from codes.showing.online.carriers import OnlineSecret, encode_digits, encode_token, step_of
from codes.showing.online.models import IssueOnlineCode
from codes.showing.paper.models import IssuePaperCode
from codes.venues.documents.models import VerifyDocument
from codes.venues.scanners.models import Scanner
from codes.verdict import Reason, Verdict, VerificationResult
from codes.verification.models import VerifyCode
from tests.codes.enterprise_city import LIBRARY
from tests.codes.personal_city import City, Phone, a_scanner
from tests.codes.showing.online.thin_client import ThinClient

LIBRARY_ENTRY = 301
NUMBER = make_synthetic_id_number(birth=date(1990, 1, 1), sequence=1)
STEPS = ("P", "O token", "O digits", "document", "L")
FIELDS = set(VerificationResult.__struct_fields__)

Ask = Callable[[], Awaitable[VerificationResult]]


class Rungs:
    """One person with everything that can be shown, before one desk."""

    def __init__(self, city: City, connection: Connection, phone: Phone, desk: Scanner) -> None:
        self.city, self.connection, self.phone, self.desk = city, connection, phone, desk

    async def climb(self) -> dict[str, VerificationResult]:
        """The verdict on every step, at this moment."""
        return {name: await getattr(self, name.lower().replace(" ", "_"))() for name in STEPS}

    async def p(self) -> VerificationResult:
        return await self._verify(self.phone.show(LIBRARY_ENTRY))

    async def o_token(self) -> VerificationResult:
        return await self._verify(self.thin.token(self.city.clock.now(), LIBRARY_ENTRY))

    async def o_digits(self) -> VerificationResult:
        return await self._verify(self.thin.digits(self.city.clock.now(), LIBRARY_ENTRY, handle=1))

    async def document(self) -> VerificationResult:
        asked = VerifyDocument(scenario=LIBRARY_ENTRY, document_number=NUMBER, holder_checked=True)
        return await self.city.codes.typed_documents.verify(self.connection, self.desk, asked)

    async def l(self) -> VerificationResult:  # noqa: E743 - the letter is the kind's public name
        return await self._verify(self.paper.carrier, holder_checked=True)

    async def fetch(self) -> "Rungs":
        ladder = self.city.codes.ladder
        self.thin = ThinClient(
            await ladder.online_codes.issue(self.connection, self.phone.principal, IssueOnlineCode())
        )
        self.paper = await ladder.paper_codes.issue(self.connection, self.phone.principal, IssuePaperCode())
        return self

    async def _verify(self, code: str, **asked: Any) -> VerificationResult:
        request = VerifyCode(code=code, scenario=LIBRARY_ENTRY, **asked)
        return await self.city.codes.verifications.verify(self.connection, self.desk, request)


@pytest.fixture
async def rungs(city: City, connection: Connection) -> Rungs:
    phone, desk = await city.a_phone(connection), a_scanner(LIBRARY_ENTRY)
    city.people.by_document[NUMBER] = phone.person.id
    await connection.execute(
        "insert into codes.scanner_site (id, organization_id, name, address, created_at)"
        " values ($1, $2, 'desk', 'address', '2026-03-02')",
        desk.site_id,
        desk.organization_id,
    )
    await connection.execute(
        "insert into codes.scanner (id, organization_id, site_id, device_name, scenarios, public_key, thumbprint,"
        " profile, state, enrolled_at)"
        " values ($1, $2, $3, 'desk', '{301}', ''::bytea, 'desk', 1, 'active', '2026-03-02')",
        desk.id,
        desk.organization_id,
        desk.site_id,
    )
    await connection.execute(
        "insert into codes.document_entry values ($1, '{301}', 'basis', 'official:x', '2026-03-02')", desk.id
    )
    return await Rungs(city, connection, phone, desk).fetch()


async def test_every_step_accepts_and_says_the_same_of_the_same_person(rungs: Rungs, vault: Vault) -> None:
    results = await rungs.climb()
    assert {name: (result.verdict, result.reason) for name, result in results.items()} == dict.fromkeys(
        STEPS, (Verdict.ACCEPT, Reason.OK)
    )
    assert [result.kind for result in results.values()] == ["P", "O", "O", "document", "L"]
    openid = pairwise_id(vault, str(LIBRARY), rungs.phone.person.id)
    assert {result.disclosed["openid"] for result in results.values()} == {openid}
    told = [(result.disclosed, result.withheld, result.scanner, result.mode) for result in results.values()]
    assert all(one == told[0] for one in told)
    for result in results.values():
        assert msgspec.to_builtins(result).keys() == FIELDS
        assert result.receipt is not None
        assert {check.result for check in result.checks} <= {"pass", "skipped"}
        assert [check.name for check in result.checks] == [check.name for check in results["P"].checks]


async def test_the_holder_reads_every_step_the_same_way(rungs: Rungs) -> None:
    await rungs.climb()
    scans = await rungs.city.codes.scan_records.list_scans(
        rungs.connection, rungs.phone.principal, after=None, limit=10
    )
    assert sorted(str(item.kind) for item in scans.items) == ["L", "O", "O", "P", "document"]
    assert len({(item.basis, tuple(item.disclosed), item.scanner.device) for item in scans.items}) == 1


CHANGES: dict[str, tuple[Callable[[Rungs], Any], dict[str, Reason]]] = {
    "the phone is lost": (
        lambda rungs: rungs.city.codes.grants.device_revoked(rungs.connection, rungs.phone.id, rungs.city.clock.now()),
        {"P": Reason.REVOKED, "O token": Reason.REVOKED, "O digits": Reason.REVOKED},
    ),
    "everything is revoked": (
        lambda rungs: rungs.city.codes.grants.revoke(rungs.connection, rungs.phone.principal, RevokeCodes()),
        {"P": Reason.REVOKED, "O token": Reason.REVOKED, "O digits": Reason.REVOKED, "L": Reason.REVOKED},
    ),
    "the paper is lost": (
        lambda rungs: rungs.city.codes.ladder.paper_codes.void(rungs.connection, rungs.phone.principal, rungs.paper.id),
        {"L": Reason.REVOKED},
    ),
    "the permission to type ends": (
        lambda rungs: rungs.connection.execute("update codes.document_entry set revoked_at = '2026-03-02'"),
        {"document": Reason.SCANNER_NOT_ALLOWED},
    ),
}


@pytest.mark.parametrize(("change", "refused"), CHANGES.values(), ids=CHANGES.keys())
async def test_what_ends_one_step_leaves_the_next(
    rungs: Rungs, change: Callable[[Rungs], Any], refused: dict[str, Reason]
) -> None:
    await change(rungs)
    results = await rungs.climb()
    assert {name: result.reason for name, result in results.items()} == dict.fromkeys(STEPS, Reason.OK) | refused
    assert not any(results[name].disclosed for name in refused)


async def test_a_closed_account_ends_every_step(rungs: Rungs) -> None:
    person = rungs.phone.person
    rungs.city.people.by_id[person.id] = msgspec.structs.replace(person, status="closed")
    results = await rungs.climb()
    assert {result.reason for result in results.values()} == {Reason.REVOKED}
    assert not any(result.disclosed or result.printed for result in results.values())


async def test_a_scanner_that_may_not_ask_is_refused_on_every_step(rungs: Rungs) -> None:
    rungs.desk = msgspec.structs.replace(rungs.desk, scenarios=frozenset({302}))
    results = await rungs.climb()
    assert {result.reason for result in results.values()} == {Reason.SCANNER_NOT_ALLOWED}


async def test_two_organizations_share_nothing_of_an_online_code_but_its_kind(rungs: Rungs, clock: ManualClock) -> None:
    """What both hold: two tokens of two openings, in one step."""
    now = clock.now()
    here, there = (base45.decode(rungs.thin.token(now, handle=handle).removeprefix("SSM1:")) for handle in (2, 3))
    shared = {here[at : at + 4] for at in range(18)} & {there[at : at + 4] for at in range(18)}
    assert shared == {step_of(now).to_bytes(4, "big")}
    lines = [rungs.thin.digits(now, handle=handle) for handle in (2, 3)]
    assert lines[0][1:11] != lines[1][1:11]


# What docs/ladder.md says, as it stands there.

DOCUMENT = Path(__file__).parents[3] / "docs" / "ladder.md"
SECRETS = st.binary(min_size=32, max_size=32)


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    block = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[0]
    namespace: dict[str, Any] = {}
    exec(compile(block, str(DOCUMENT), "exec"), namespace)
    return namespace


@given(
    key=SECRETS,
    handle=st.binary(min_size=8, max_size=8),
    number=st.text("0123456789", min_size=10, max_size=10),
    step=st.integers(0, (1 << 32) - 1),
    scenario=st.integers(0, 0xFFFF),
    environment=st.sampled_from(Environment),
)
def test_the_documented_client_makes_our_codes(
    *,
    documented: dict[str, Any],
    key: bytes,
    handle: bytes,
    number: str,
    step: int,
    scenario: int,
    environment: Environment,
) -> None:
    secret = OnlineSecret(key=key, environment=environment)
    token = documented["token"](key, environment, "SSM1:", handle, step, scenario)
    assert token == encode_token(secret, handle, step=step, scenario=scenario, prefix="SSM1:")
    assert documented["digits"](key, environment, number, step, scenario) == encode_digits(
        secret, number, step=step, scenario=scenario
    )
