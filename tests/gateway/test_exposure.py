"""Who is served by which release: stable, fair in its share, growing only, and never a visitor's business."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from app.kit.ids import new_id
from gateway.exposure import Rule, bucket_of
from gateway.routing import Match, find_route, parse_target
from gateway.snapshot import Branch, Entry, RouteSnapshot, choose, compile_snapshot
from miniapps.manifest import Manifest
from miniapps.releases.models import GrayApp, PublishedApp
from tests.gateway.publications import LIBRARY, SUSPENSION, a_manifest, published

RELEASE = UUID(int=7)
EAST, WEST = "190102", "190103"
TESTER = UUID(int=1)


def on_trial(percent: int = 0, *zones: str, base: PublishedApp | None = None) -> GrayApp:
    app = base or published("http://127.0.0.1:9102", row={"version_code": 2})
    return GrayApp(app=app, percent=percent, zones=zones, testers=frozenset({TESTER}))


def entry_of(*exposed: PublishedApp | GrayApp) -> Entry:
    return compile_snapshot(exposed, RouteSnapshot()).snapshot.entries[LIBRARY]


def code_of(entry: Entry, subject: UUID | None, zone: str | None = None) -> int | None:
    app = choose(entry, subject, zone)
    return None if app is None else app.version_code


@given(st.uuids(), st.uuids())
def test_a_bucket_is_always_the_same(subject: UUID, release: UUID) -> None:
    assert bucket_of(subject, LIBRARY, release) == bucket_of(subject, LIBRARY, release)
    assert 0 <= bucket_of(subject, LIBRARY, release) < 100


def test_a_bucket_is_what_every_node_and_every_later_version_computes() -> None:
    """A different number would move citizens back and forth between releases when a node is renewed."""
    found = [bucket_of(UUID(int=subject), LIBRARY, RELEASE) for subject in range(6)]
    assert found == [70, 48, 85, 78, 19, 42]


@pytest.mark.parametrize("percent", [1, 5, 20, 50, 100])
def test_a_share_is_about_what_it_says(percent: int) -> None:
    people = 20_000
    taken = sum(bucket_of(UUID(int=subject), LIBRARY, RELEASE) < percent for subject in range(people))
    assert abs(taken / people - percent / 100) < 0.012


def test_buckets_of_two_releases_have_nothing_to_do_with_each_other() -> None:
    first = {s for s in range(5000) if bucket_of(UUID(int=s), LIBRARY, RELEASE) < 20}
    second = {s for s in range(5000) if bucket_of(UUID(int=s), LIBRARY, UUID(int=8)) < 20}
    assert len(first & second) / len(first) < 0.3


@given(st.uuids(), st.integers(0, 100), st.integers(0, 100), st.sampled_from([None, EAST, WEST]))
def test_a_growing_share_never_moves_anybody_back(subject: UUID, one: int, other: int, zone: str | None) -> None:
    less, more = sorted((one, other))
    if Rule(percent=less).takes(subject, LIBRARY, RELEASE, zone):
        assert Rule(percent=more).takes(subject, LIBRARY, RELEASE, zone)


def test_testers_see_it_first_and_nobody_else() -> None:
    entry = entry_of(published(), on_trial())
    assert code_of(entry, TESTER) == 2
    assert {code_of(entry, new_id()) for _ in range(200)} == {1}
    assert code_of(entry, None) == 1


def test_a_visitor_sees_what_is_published_even_at_a_hundred_per_cent() -> None:
    entry = entry_of(published(), on_trial(100))
    assert code_of(entry, None) == 1
    assert {code_of(entry, new_id()) for _ in range(200)} == {2}


def test_zones_hold_for_those_at_home_there() -> None:
    entry = entry_of(published(), on_trial(100, EAST))
    assert entry.asks_zone
    subject = new_id()
    assert [code_of(entry, subject, zone) for zone in (None, "190000", WEST, EAST, "190102001")] == [1, 1, 1, 2, 2]
    assert code_of(entry, TESTER, WEST) == 2


def test_a_first_release_on_trial_is_nobodys_but_its_testers() -> None:
    entry = entry_of(on_trial())
    assert (code_of(entry, TESTER), code_of(entry, new_id()), code_of(entry, None)) == (2, None, None)


def test_a_gray_release_goes_to_its_own_address_and_lane_until_it_is_published() -> None:
    backend = {"base_url": {"live": "https://a.example/live", "gray": "https://b.example/gray"}, "routes": []}
    manifest = a_manifest(backend=backend, data={})
    trial = published(row={"manifest": manifest, "version_code": 2})
    first = compile_snapshot([published(), on_trial(base=trial)], RouteSnapshot()).snapshot
    gray = first.entries[LIBRARY].gray
    assert gray is not None
    assert (gray.app.base_url, gray.app.base_path, gray.app.gray) == ("https://b.example", "/gray", True)
    assert first.apps[LIBRARY].lane != gray.app.lane
    assert first.apps[LIBRARY].department == gray.app.department
    after = compile_snapshot([trial], first).snapshot.entries[LIBRARY]
    assert after.gray is None
    assert after.published is not None
    assert (after.published.base_url, after.published.gray) == ("https://a.example", False)


def test_a_bad_gray_release_takes_nobody_and_harms_nothing() -> None:
    bad = on_trial(100, base=published(row={"manifest": a_manifest("http://127.1:80")}))
    compilation = compile_snapshot([published(), bad], RouteSnapshot())
    assert [rejection.reason for rejection in compilation.rejections] == ["address"]
    assert code_of(compilation.snapshot.entries[LIBRARY], TESTER) == 1


def test_a_bad_publication_keeps_the_good_one_beside_a_good_trial() -> None:
    good, trial = published(), on_trial(100)
    first = compile_snapshot([good, trial], RouteSnapshot()).snapshot
    bad = published(row={"manifest": a_manifest("http://127.1:80")})
    second = compile_snapshot([bad, trial], first).snapshot
    assert second.apps[LIBRARY] is first.apps[LIBRARY]
    before, after = first.entries[LIBRARY].gray, second.entries[LIBRARY].gray
    assert before is not None
    assert after is not None
    assert after.app is before.app


def test_suspension_takes_both() -> None:
    trial = on_trial(100, base=published(row={"version_code": 2, **SUSPENSION}))
    snapshot = compile_snapshot([published(row=SUSPENSION), trial], RouteSnapshot()).snapshot
    target = parse_target(f"/apps/{LIBRARY}/books")
    assert target is not None
    for subject in (TESTER, new_id(), None):
        assert not isinstance(find_route(snapshot, "GET", target, subject), Match)


def test_a_step_recompiles_nothing() -> None:
    trial = on_trial(1)
    first = compile_snapshot([published(), trial], RouteSnapshot()).snapshot
    second = compile_snapshot([published(), structs.replace(trial, percent=5)], first).snapshot
    before, after = first.entries[LIBRARY].gray, second.entries[LIBRARY].gray
    assert before is not None
    assert after is not None
    assert after.app is before.app
    assert after.rule.percent == 5


def test_a_route_is_found_in_as_many_steps_with_a_thousand_apps_as_with_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted, not timed: branches visited and apps looked at."""
    visited = 0
    find = Branch.find

    def counting(self: Branch, segments: tuple[str, ...]) -> Branch | None:
        nonlocal visited
        visited += 1
        return find(self, segments)

    monkeypatch.setattr(Branch, "find", counting)
    spent = []
    for size in (1, 1000):
        apps = [published(app_id=f"cn.example.app{number}") for number in range(size - 1)]
        snapshot = compile_snapshot([*apps, published()], RouteSnapshot()).snapshot
        assert len(snapshot.entries) == size
        target = parse_target(f"/apps/{LIBRARY}/loans/7/renewal")
        assert target is not None
        visited = 0
        assert isinstance(find_route(snapshot, "PUT", target, TESTER), Match)
        spent.append(visited)
    assert spent[0] == spent[1] <= 4


def test_a_changed_app_among_many_compiles_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    apps = [published(app_id=f"cn.example.app{number}") for number in range(300)]
    first = compile_snapshot(apps, RouteSnapshot()).snapshot
    routes: list[Manifest] = []
    original = Manifest.routes

    def counting(self: Manifest) -> object:
        routes.append(self)
        return original.fget(self)  # type: ignore[attr-defined]

    monkeypatch.setattr(Manifest, "routes", property(counting))
    apps[150] = published(app_id="cn.example.app150")
    second = compile_snapshot(apps, first).snapshot
    assert {manifest.app_id for manifest in routes} == {"cn.example.app150"}
    assert second.apps["cn.example.app150"] is not first.apps["cn.example.app150"]
