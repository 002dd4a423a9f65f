"""Judging a version: by another person, of the very manifest that was read, once."""

import asyncio
from uuid import UUID

import asyncpg
import msgspec
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database, Notifications
from app.kit.floor import Floor
from app.kit.keyring import Keyring
from app.kit.outbox import Outbox
from app.kit.vault import Vault
from miniapps.errors import ManifestHashMismatch, SelfReview, StateConflict, VersionUnknown
from miniapps.releases.models import WriteReview
from miniapps.settings import MiniappsSettings
from miniapps.wiring import build_miniapps
from tests.miniapps.city import PLATFORM, KnownOrganizations, ObedientPolicy, official
from tests.miniapps.conftest import APP_ID, Steps


async def waiting(steps: Steps) -> str:
    await steps.register()
    digest = await steps.draft()
    await steps.submit()
    await steps.check()
    return digest


async def test_review_is_written_down_with_the_hash_that_was_signed(connection: Connection, steps: Steps) -> None:
    digest = await waiting(steps)
    await steps.review(digest)

    detail = await steps.services.versions.get_version(connection, steps.author, APP_ID, 1)
    assert detail.version.state == "approved"
    assert [(review.verdict, review.manifest_hash) for review in detail.reviews] == [("approved", digest)]
    assert detail.reviews[0].reviewer_id == steps.reviewer.person_id
    detail_row = await connection.fetchval(
        "select detail from kit.audit_entry where action = 'miniapp.version_reviewed'"
    )
    assert detail_row == {"code": 1, "verdict": "approved", "manifest_hash": digest}


async def test_review_of_ones_own_version_is_refused(steps: Steps) -> None:
    digest = await waiting(steps)
    steps.reviewer = msgspec.structs.replace(steps.author, roles=frozenset({"developer", "reviewer"}))

    with pytest.raises(SelfReview):
        await steps.review(digest)


async def test_review_by_whoever_submitted_it_is_refused(connection: Connection, steps: Steps) -> None:
    await steps.register()
    digest = await steps.draft()
    submitter = official("developer", "reviewer")
    await steps.services.versions.submit(connection, submitter, APP_ID, 1)
    await steps.check()
    steps.reviewer = submitter

    with pytest.raises(SelfReview):
        await steps.review(digest)


async def test_review_of_another_manifest_is_refused(steps: Steps) -> None:
    await waiting(steps)

    with pytest.raises(ManifestHashMismatch):
        await steps.review("0" * 64)


@pytest.mark.parametrize("submitted", [True, False])
async def test_review_before_the_checks_is_refused(steps: Steps, *, submitted: bool) -> None:
    await steps.register()
    digest = await steps.draft()
    if submitted:
        await steps.submit()

    with pytest.raises(StateConflict):
        await steps.review(digest)


@pytest.mark.parametrize("verdict", ["approved", "changes_requested", "rejected"])
async def test_review_twice_is_refused(steps: Steps, verdict: str) -> None:
    digest = await waiting(steps)
    await steps.review(digest, verdict=verdict)
    steps.reviewer = official("reviewer", organization_id=PLATFORM)

    with pytest.raises(StateConflict):
        await steps.review(digest)


async def test_review_of_an_unknown_version_is_refused(steps: Steps) -> None:
    await steps.register()

    with pytest.raises(VersionUnknown):
        await steps.review("0" * 64)


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_review_without_a_reason_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"verdict": "approved", "reason": text, "manifest_hash": "0" * 64}, WriteReview)


async def test_the_database_itself_refuses_a_self_review(connection: Connection, steps: Steps) -> None:
    digest = await waiting(steps)
    await steps.review(digest)

    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute("update miniapps.review set reviewer_id = author_id")


async def test_of_two_reviews_at_once_one_decides(race_database: Database, vault: Vault, clock: ManualClock) -> None:
    floor = Floor(
        database=race_database,
        notifications=Notifications(race_database.dsn),
        clock=clock,
        vault=vault,
        keyring=Keyring(race_database, vault, clock),
        outbox=Outbox(race_database, vault, clock),
    )
    services = build_miniapps(floor, MiniappsSettings(), organizations=KnownOrganizations(), policy=ObedientPolicy())
    author = official("developer")
    async with race_database.transaction() as connection:
        steps = Steps(
            services=services, floor=floor, connection=connection, author=author, reviewer=official("reviewer")
        )
        await steps.register()
        digest = await steps.draft()
        await steps.submit()
    await steps.check()

    async def judge(verdict: str) -> UUID:
        reviewer = official("reviewer")
        request = msgspec.convert({"verdict": verdict, "reason": "核对", "manifest_hash": digest}, WriteReview)
        async with race_database.transaction() as connection:
            return (await services.reviews.review(connection, reviewer, APP_ID, 1, request)).reviewer_id

    verdicts = ["approved", "rejected"] * 5
    results = await asyncio.gather(*(judge(verdict) for verdict in verdicts), return_exceptions=True)

    assert sum(isinstance(result, UUID) for result in results) == 1
    assert sum(isinstance(result, StateConflict) for result in results) == len(verdicts) - 1
