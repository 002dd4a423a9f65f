"""What the gateway reads of consents: only a person's, only to the words of today, and from the primary each time."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from app.kit.database import Connection, Database
from app.kit.ids import new_id
from auth.consents.models import Consent
from gateway.consents import ConsentLookup
from tests.gateway.conftest import a_principal
from tests.gateway.publications import LIBRARY, a_snapshot

APP = a_snapshot().apps[LIBRARY]
CITIZEN = a_principal()
WORDS = {"contact": "text-1", "hobby": "text-2"}


class Kept:
    """Consents as a table would have them at this moment."""

    def __init__(self, *consents: Consent) -> None:
        self.consents = list(consents)

    async def find_in_force(
        self, _connection: Connection, subject_id: UUID, department_id: UUID, purposes: Collection[str]
    ) -> Mapping[str, Consent]:
        return {
            one.purpose: one
            for one in self.consents
            if (one.person_id, one.department_id) == (subject_id, department_id) and one.purpose in purposes
        }


def consent(**changes: Any) -> Consent:
    given = Consent(
        id=new_id(),
        person_id=CITIZEN.subject_id,
        department_id=APP.organization_id,
        purpose="contact",
        fields=("phone_tail",),
        text_version="text-1",
        granted_at=datetime(2026, 1, 1, tzinfo=UTC),
        separate=False,
    )
    return replace(given, **changes)


async def test_a_consent_to_the_words_of_today_counts_until_it_is_gone(database: Database) -> None:
    kept = Kept(consent())
    lookup = ConsentLookup(database, kept)
    found = await lookup.find_consents(CITIZEN, APP, WORDS)
    assert {name: one.fields for name, one in found.items()} == {"contact": frozenset({"phone_tail"})}
    kept.consents.clear()
    assert await lookup.find_consents(CITIZEN, APP, WORDS) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"text_version": "text-0"},
        {"purpose": "hobby"},
        {"purpose": "other", "text_version": "text-1"},
        {"person_id": UUID(int=1)},
        {"department_id": UUID(int=1)},
    ],
)
async def test_any_other_consent_counts_for_nothing(database: Database, changes: dict[str, Any]) -> None:
    lookup = ConsentLookup(database, Kept(consent(**changes)))
    assert await lookup.find_consents(CITIZEN, APP, WORDS) == {}


async def test_nobody_consents_for_an_organization(database: Database) -> None:
    company = a_principal(subject_type="organization", agent_id=new_id())
    lookup = ConsentLookup(database, Kept(consent(person_id=company.subject_id)))
    assert await lookup.find_consents(company, APP, WORDS) == {}
