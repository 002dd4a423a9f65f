"""What leaves for a department is written down in the same breath, and nothing leaves that was not granted."""

from typing import Any
from uuid import UUID

import pytest

from app.kit.clock import ManualClock
from app.kit.database import Connection, Database
from app.kit.ids import new_id
from app.kit.structs import Model
from gateway.disclosures import repository
from gateway.disclosures.service import Disclosures
from gateway.policy import GrantedScope
from tests.gateway.conftest import a_principal
from tests.gateway.publications import LIBRARY, a_manifest, a_snapshot

APP = a_snapshot().apps[LIBRARY]
READER, CONTACT, HOBBY = a_manifest().scopes


class Company(Model):
    name: str = "演示餐饮有限公司"
    credit_code: str = "91190000000000000X"
    secret: str = "never told"


class Known:
    """People and organizations that know everything."""

    def __init__(self, *, fails: bool = False) -> None:
        self._fails = fails

    async def disclose(
        self, _connection: Connection, _person_id: UUID, attributes: frozenset[str]
    ) -> dict[str, str | bool]:
        if self._fails:
            raise OSError
        return {name: f"value of {name}" for name in attributes if name != "age_over_18"}

    async def get_organization(self, _connection: Connection, _organization_id: UUID) -> Company:
        return Company()


@pytest.fixture
def disclosures(database: Database, clock: ManualClock) -> Disclosures:
    return Disclosures(database, clock, people=Known(), organizations=Known())


def granted(*fields: str) -> tuple[GrantedScope, ...]:
    return (GrantedScope(scope=READER, fields=fields), GrantedScope(scope=CONTACT, fields=(), consent_id=new_id()))


async def rows_of(connection: Connection, subject_id: UUID) -> list[Any]:
    return list(await repository.list_disclosures(connection, subject_id, after=None, limit=10))


async def test_disclose_tells_what_was_granted_and_writes_it_down(
    disclosures: Disclosures, connection: Connection
) -> None:
    principal = a_principal()
    values = await disclosures.disclose(principal, APP, granted("display_name", "age_over_18", "unheard_of"))
    assert values == {"display_name": "value of display_name"}
    (row,) = await rows_of(connection, principal.subject_id)
    assert (row.scopes, row.fields, row.bases) == (["reader"], ["display_name"], ["contract"])
    assert (row.app_id, row.organization_id) == (LIBRARY, APP.organization_id)


@pytest.mark.parametrize("fields", [(), ("unheard_of",), ("secret",), ("age_over_18",)])
async def test_disclose_of_nothing_writes_nothing(
    disclosures: Disclosures, connection: Connection, fields: tuple[str, ...]
) -> None:
    principal = a_principal()
    assert await disclosures.disclose(principal, APP, granted(*fields)) == {}
    assert await rows_of(connection, principal.subject_id) == []


async def test_disclose_names_nobody_in_a_session_that_a_phone_number_opened(
    disclosures: Disclosures, connection: Connection
) -> None:
    principal = a_principal(ial=1)
    asked = granted("full_name", "id_number", "display_name", "phone_tail", "age_over_18", "identity_level")
    assert await disclosures.disclose(principal, APP, asked) == {"identity_level": "value of identity_level"}
    (row,) = await rows_of(connection, principal.subject_id)
    assert row.fields == ["identity_level"]


async def test_disclose_tells_nothing_of_officials(disclosures: Disclosures) -> None:
    principal = a_principal(subject_type="official")
    assert await disclosures.disclose(principal, APP, granted("display_name", "name")) == {}


async def test_disclose_tells_of_an_organization_only_what_the_register_shows(
    disclosures: Disclosures, connection: Connection
) -> None:
    principal = a_principal(subject_type="organization", agent_id=new_id())
    values = await disclosures.disclose(principal, APP, granted("name", "credit_code", "secret", "id_number"))
    assert values == {"name": Company().name, "credit_code": Company().credit_code}
    (row,) = await rows_of(connection, principal.subject_id)
    assert row.agent_id == principal.agent_id


async def test_disclose_never_mixes_agent_and_organization(disclosures: Disclosures) -> None:
    principal = a_principal(subject_type="organization", agent_id=new_id())
    assert await disclosures.disclose(principal, APP, granted("display_name", "phone_tail", "id_number")) == {}


async def test_disclose_tells_nothing_when_it_cannot_write(database: Database, clock: ManualClock) -> None:
    disclosures = Disclosures(database, clock, people=Known(fails=True), organizations=Known())
    with pytest.raises(OSError):  # noqa: PT011 - whatever the database raises
        await disclosures.disclose(a_principal(), APP, granted("display_name"))
