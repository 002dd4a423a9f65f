"""A service that ends says so wherever a citizen meets it, from the moment on which its end is announced."""

from datetime import UTC, datetime

from app.kit.structs import Text
from gateway.home.arrangement import Place, endings_of
from gateway.snapshot import RouteSnapshot, compile_snapshot
from miniapps.catalogue.models import service_view
from miniapps.releases.models import Ending
from tests.gateway.publications import LIBRARY, SUSPENSION, published

ENDING = Ending(
    at=datetime(2026, 6, 30, tzinfo=UTC), reason=Text(zh="并入新平台", en="Merged"), successor="cn.example.next"
)


def test_an_announced_end_is_told_at_once_with_its_successor() -> None:
    app = published()
    before = compile_snapshot([app], RouteSnapshot()).snapshot
    facts = {"release_id": app.release_id, "ending": ENDING}
    after = compile_snapshot([published(row=facts)], before).snapshot
    (told,) = endings_of([Place(app=after.apps[LIBRARY], why="pinned")] * 2)
    assert (told.app_id, told.at, told.successor) == (LIBRARY, ENDING.at, "cn.example.next")
    assert list(endings_of([Place(app=before.apps[LIBRARY], why="pinned")])) == []
    assert service_view(published(row=facts)).ending == ENDING
    assert service_view(app).ending is None


def test_a_service_that_ends_can_be_suspended_meanwhile() -> None:
    app = published()
    before = compile_snapshot([app], RouteSnapshot()).snapshot
    both = {"release_id": app.release_id, "ending": ENDING, **SUSPENSION}
    seen = compile_snapshot([published(row=both)], before).snapshot.apps[LIBRARY]
    assert seen.suspension is not None
    assert seen.ending == ENDING


def test_what_no_longer_compiles_says_that_it_ends_all_the_same() -> None:
    before = compile_snapshot([published()], RouteSnapshot()).snapshot
    spoilt = published("ftp://nowhere", row={"ending": ENDING})
    assert compile_snapshot([spoilt], before).snapshot.apps[LIBRARY].ending == ENDING
