"""Declaring a version, handing it over, and what the automatic checks do with it."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection
from miniapps.errors import (
    AppUnknown,
    ManifestInvalid,
    ManifestRefused,
    OtherDepartment,
    StateConflict,
    VersionNotNewer,
    VersionUnknown,
)
from miniapps.manifest import manifest_hash
from miniapps.wiring import MiniappsServices
from tests.miniapps.city import HOTLINE, ObedientPolicy, official
from tests.miniapps.conftest import APP_ID, Steps
from tests.miniapps.documents import encode, sound_document, spoil

BASE_URL = "https://library.example.cn/suishen"


async def state_of(steps: Steps, code: int = 1) -> str:
    detail = await steps.services.versions.get_version(steps.connection, steps.author, APP_ID, code)
    return detail.version.state


async def test_create_keeps_the_manifest_as_it_was_sent(connection: Connection, steps: Steps) -> None:
    await steps.register()
    digest = await steps.draft()

    detail = await steps.services.versions.get_version(connection, steps.reviewer, APP_ID, 1)
    assert detail.version.state == "draft"
    assert detail.version.manifest_hash == digest == manifest_hash(encode(detail.manifest))


@pytest.mark.parametrize("document", [b"", b"{}", b"[1]", encode(spoil("surprise", 1)), b"\xff"])
async def test_create_refuses_what_is_no_manifest(connection: Connection, steps: Steps, document: bytes) -> None:
    await steps.register()

    with pytest.raises(ManifestInvalid):
        await steps.services.versions.create_version(connection, steps.author, APP_ID, document)
    with pytest.raises(VersionUnknown):
        await state_of(steps)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("app_id", "cn.example.other", "not-as-registered"),
        ("owner/org_code", "19000000000000000X", "not-as-registered"),
        ("owner/org_code", "19000000000000000X", "owner-code-invalid"),
        ("backend/routes/0/scopes", ["x"], "scope-unknown"),
        ("backend/base_url/live", "http://127.1", "address-refused"),
    ],
)
async def test_create_refuses_a_manifest_that_does_not_hold_together(
    connection: Connection, steps: Steps, path: str, value: Any, code: str
) -> None:
    await steps.register()

    with pytest.raises(ManifestRefused) as refused:
        await steps.services.versions.create_version(connection, steps.author, APP_ID, encode(spoil(path, value)))
    assert code in {finding["code"] for finding in refused.value.extensions["findings"]}


async def test_create_refuses_an_address_against_the_operators_policy(steps: Steps, policy: ObedientPolicy) -> None:
    await steps.register()
    policy.refused_spellings.add(BASE_URL)

    with pytest.raises(ManifestRefused):
        await steps.draft()


@pytest.mark.parametrize("code", [1, 2])
async def test_create_refuses_a_code_that_does_not_increase(steps: Steps, code: int) -> None:
    await steps.register()
    await steps.draft(2)

    with pytest.raises(VersionNotNewer):
        await steps.draft(code)


async def test_create_refuses_another_department_and_an_unknown_app(connection: Connection, steps: Steps) -> None:
    await steps.register()
    versions, document = steps.services.versions, encode(sound_document())

    with pytest.raises(OtherDepartment):
        await versions.create_version(connection, official("developer", organization_id=HOTLINE), APP_ID, document)
    with pytest.raises(AppUnknown):
        await versions.create_version(connection, steps.author, "cn.example.none", document)


async def test_checks_bring_a_version_to_its_reviewers_with_a_clock(
    connection: Connection, steps: Steps, policy: ObedientPolicy, clock: ManualClock
) -> None:
    await steps.register()
    await steps.draft()
    await steps.submit()
    assert await state_of(steps) == "submitted"
    assert policy.asked == []

    await steps.check()

    detail = await steps.services.versions.get_version(connection, steps.author, APP_ID, 1)
    assert detail.version.state == "reviewing"
    assert detail.version.review_due_at is not None
    # From noon on Monday, the second of March, five working days: to the end of the next Monday.
    assert detail.version.review_due_at == datetime(2026, 3, 9, 16, 0, tzinfo=UTC)
    assert policy.asked == [BASE_URL]


async def test_checks_send_back_what_leads_inside(connection: Connection, steps: Steps, policy: ObedientPolicy) -> None:
    await steps.register()
    await steps.draft()
    await steps.submit()
    policy.unreachable.add(BASE_URL)
    await steps.check()

    detail = await steps.services.versions.get_version(connection, steps.author, APP_ID, 1)
    assert detail.version.state == "changes_requested"
    assert [finding.code for finding in detail.version.findings] == ["address-not-allowed", "conformance-missing"]
    assert detail.version.review_due_at is None


async def test_checks_that_come_twice_change_nothing_the_second_time(steps: Steps, policy: ObedientPolicy) -> None:
    await steps.register()
    digest = await steps.draft()
    await steps.submit()
    await steps.check()
    await steps.review(digest)

    await steps.services.checks.check_version({"app_id": APP_ID, "code": 1})

    assert await state_of(steps) == "approved"
    assert len(policy.asked) == 1


async def test_submit_refuses_a_second_time(steps: Steps) -> None:
    await steps.register()
    await steps.draft()
    await steps.submit()

    with pytest.raises(StateConflict):
        await steps.submit()


async def test_submit_refuses_another_department_and_an_unknown_version(connection: Connection, steps: Steps) -> None:
    await steps.register()
    await steps.draft()

    with pytest.raises(OtherDepartment):
        await steps.services.versions.submit(connection, official("developer", organization_id=HOTLINE), APP_ID, 1)
    with pytest.raises(VersionUnknown):
        await steps.submit(7)


async def test_versions_are_listed_newest_first_page_by_page(connection: Connection, steps: Steps) -> None:
    await steps.register()
    for code in (1, 2, 5):
        await steps.draft(code)
    versions = steps.services.versions

    first = await versions.list_versions(connection, steps.author, APP_ID, after=None, limit=2)
    assert first.next is not None
    second = await versions.list_versions(connection, steps.author, APP_ID, after=int(first.next), limit=2)

    assert [item.code for item in first.items + second.items] == [5, 2, 1]
    assert second.next is None
    with pytest.raises(OtherDepartment):
        await versions.list_versions(
            connection, official("developer", organization_id=HOTLINE), APP_ID, after=None, limit=2
        )


@pytest.mark.parametrize(
    "change", ["manifest = '{}'", "code = 9", "name = 'x'", "manifest_hash = decode(repeat('00', 32), 'hex')"]
)
async def test_the_database_itself_keeps_a_version_as_it_is(connection: Connection, steps: Steps, change: str) -> None:
    await steps.register()
    await steps.draft()

    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match="immutable"):
        await connection.execute(f"update miniapps.version set {change}")


@pytest.mark.parametrize("state", ["draft", "submitted"])
async def test_a_stored_manifest_is_what_reviewers_hash(
    connection: Connection, services: MiniappsServices, steps: Steps, state: str
) -> None:
    await steps.register()
    digest = await steps.draft()
    if state == "submitted":
        await steps.submit()

    detail = await services.versions.get_version(connection, steps.reviewer, APP_ID, 1)

    assert manifest_hash(encode(detail.manifest)) == digest


async def test_a_place_of_another_city_is_refused(steps: Steps) -> None:
    await steps.register()
    with pytest.raises(ManifestRefused) as refused:
        await steps.draft(zones=["190101", "200000", "190109", "190101001"])
    found = [(one["code"], one["at"]) for one in refused.value.extensions["findings"]]
    assert found == [("zone-unknown", "/zones/1"), ("zone-unknown", "/zones/2")]


async def test_a_name_that_is_not_the_registered_one_is_told_to_author_and_reviewer(steps: Steps) -> None:
    await steps.register()
    document = spoil("owner/org_name", "请填写单位名称")
    made = await steps.services.versions.create_version(steps.connection, steps.author, APP_ID, encode(document))
    (found,) = [one for one in made.findings if one.code == "owner-name-differs"]
    assert (found.severity, found.at) == ("warning", "/owner/org_name")
    assert "演示图书馆" in found.message.zh
