"""An offline scan of a child's code, uploaded later, stands in the child's record and in the guardian's."""

from app.kit.database import Connection
from tests.codes.counters.form_tickets.conftest import city, desk
from tests.codes.counters.form_tickets.desk import LIBRARY_ENTRY, Desk
from tests.codes.enterprise_city import a_principal
from tests.codes.family_city import FamilyCity, fetch_for

__all__ = ["city", "desk"]


async def test_child_and_guardian_read_an_offline_scan(desk: Desk, city: FamilyCity, connection: Connection) -> None:
    (phone, child), gate = city.a_family(), await desk.device(LIBRARY_ENTRY)
    await fetch_for(phone, child, connection)
    entry = {
        "entry_id": "gate-0001",
        "code": phone.show(LIBRARY_ENTRY),
        "scenario": LIBRARY_ENTRY,
        "scanned_at": city.clock.now().isoformat(),
        "verdict": "ACCEPT",
        "reason": "OK",
    }
    answer = await desk.signed(gate, "POST", "/v1/verifications/batch", {"entries": [entry]})
    assert answer.json()["items"][0]["verdict"] == "ACCEPT", answer.text
    for who in (phone.principal, a_principal("person", subject_id=child.id)):
        page = await city.codes.scan_records.list_scans(connection, who, after=None, limit=5)
        assert [(view.mode, view.kind, view.on_behalf_of) for view in page.items] == [("offline", "F", child.id)]
