"""The page's order, by every arrangement: the same every time, nothing twice, nothing hidden, nobody else's release."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.kit.ids import new_id
from gateway.exposure import Rule
from gateway.home.arrangement import ROOM, arrange, sections_of, zone_told
from gateway.home.models import Favourites, Profile
from gateway.home.shelves import Shelf
from gateway.snapshot import CompiledApp, Entry, Gray, RouteSnapshot, choose, compile_app
from miniapps.zones.codes import nearness
from tests.gateway.publications import published

NAMES = [f"cn.example.app{number:02}" for number in range(12)]
ZONES = ["190000", "190101", "190101001", "190102"]
ASKED = [*ZONES, "190101001001", "190103"]
SUBJECTS = [UUID(int=number) for number in range(1, 6)]


def _compiled(name: str, zones: tuple[str, ...], *, elder: bool, gray: bool = False) -> CompiledApp:
    app = published(app_id=name, zones=list(zones), accessibility={"elder_mode": elder}, row={"release_id": new_id()})
    return compile_app(app, gray=gray)


_FORMS = [
    [_compiled(name, zones, elder=elder) for zones in (("190000",), ("190101",), ("190101001", "190102"))]
    for name in NAMES
    for elder in (False, True)
]
_APPS = {name: _FORMS[2 * number] + _FORMS[2 * number + 1] for number, name in enumerate(NAMES)}


@st.composite
def snapshots(draw: st.DrawFn) -> RouteSnapshot:
    entries: dict[str, Entry] = {}
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        now = draw(st.none() | st.sampled_from(_APPS[name]))
        soon = draw(st.none() | st.sampled_from(_APPS[name]))
        rule = Rule(
            percent=draw(st.sampled_from([0, 20, 100])),
            zones=frozenset(draw(st.sets(st.sampled_from(ZONES), max_size=1))),
            testers=frozenset(draw(st.sets(st.sampled_from(SUBJECTS), max_size=1))),
        )
        gray = None if soon is None else Gray(app=soon, rule=rule)
        if now is not None or gray is not None:
            entries[name] = Entry(app_id=name, published=now, gray=gray)
    apps = {name: entry.published for name, entry in entries.items() if entry.published is not None}
    return RouteSnapshot(apps=apps, entries=entries)


FAVOURITES = st.builds(
    lambda order, cut, hidden: Favourites(
        pinned=tuple(order[: cut % 4]), used=tuple(order[cut % 4 : cut]), hidden=frozenset(hidden)
    ),
    st.permutations(NAMES),
    st.integers(0, len(NAMES)),
    st.sets(st.sampled_from(NAMES), max_size=3),
)
PROFILES: st.SearchStrategy[Profile] = st.sampled_from(["standard", "elder"])


@given(
    snapshots(),
    FAVOURITES,
    st.none() | st.sampled_from(SUBJECTS),
    st.none() | st.sampled_from(ASKED),
    st.sampled_from(ASKED),
    PROFILES,
)
def test_a_page_keeps_its_promises(  # noqa: PLR0917 - one argument for each thing that differs
    snapshot: RouteSnapshot,
    favourites: Favourites,
    subject_id: UUID | None,
    home_zone: str | None,
    zone: str,
    profile: Profile,
) -> None:
    seen = Shelf(snapshot).see(subject_id, home_zone)
    page = arrange(seen, favourites, zone=zone, profile=profile)
    again = arrange(Shelf(snapshot).see(subject_id, home_zone), favourites, zone=zone, profile=profile)
    ids = [place.app.app_id for place in page.places]

    assert page == again
    assert len(set(ids)) == len(ids)
    assert not favourites.hidden & set(ids)
    for place in page.places:
        app_id = place.app.app_id
        assert place.app is choose(snapshot.entries[app_id], subject_id, home_zone)  # as their calls are served
        if place.why == "public":
            assert nearness(zone, place.app.zones) > 0
            assert app_id not in favourites.pinned
            assert zone_told(place.app, zone) in place.app.zones
        else:
            assert app_id in (favourites.pinned if place.why == "pinned" else favourites.used)
    _assert_order([place.app for place in page.places if place.why == "public"], zone, profile)
    pinned = [place.app.app_id for place in page.places if place.why == "pinned"]
    assert pinned == [app_id for app_id in favourites.pinned if app_id in pinned]
    sections = sections_of(page.places, page.totals)
    assert [section.id for section in sections] == [
        why for why in ("pinned", "used", "public") if any(place.why == why for place in page.places)
    ]
    assert all(len(section.app_ids) <= min(section.total, ROOM[profile][section.id]) for section in sections)
    assert len(sections) <= (2 if profile == "elder" else 3)


def _assert_order(public: list[CompiledApp], zone: str, profile: Profile) -> None:
    keys = [(profile == "elder" and not app.elder_ready, -nearness(zone, app.zones), app.app_id) for app in public]
    assert keys == sorted(keys)


@given(snapshots(), st.sampled_from(ASKED))
def test_a_visitor_sees_what_is_published_and_nothing_else(snapshot: RouteSnapshot, zone: str) -> None:
    page = arrange(Shelf(snapshot).see(None, zone), Favourites(), zone=zone, profile="standard")
    offered = {app_id for app_id, app in snapshot.apps.items() if nearness(zone, app.zones)}
    assert {place.app.app_id for place in page.places} == offered
    assert all(place.app is snapshot.apps[place.app.app_id] for place in page.places)


@given(snapshots(), FAVOURITES, st.sampled_from(ASKED))
def test_an_elders_page_is_never_longer(snapshot: RouteSnapshot, favourites: Favourites, zone: str) -> None:
    seen = Shelf(snapshot).see(None, zone)
    long, short = (arrange(seen, favourites, zone=zone, profile=each).places for each in ("standard", "elder"))
    assert len(short) <= len(long)
    assert {place.app.app_id for place in short} <= {place.app.app_id for place in long}


def test_a_page_has_room_for_so_many_and_says_how_many_there_are() -> None:
    apps = {
        f"cn.example.x{number:03}": _compiled(f"cn.example.x{number:03}", ("190000",), elder=number % 2 == 0)
        for number in range(70)
    }
    entries = {app_id: Entry(app_id=app_id, published=app) for app_id, app in apps.items()}
    seen = Shelf(RouteSnapshot(apps=apps, entries=entries)).see(None, None)
    for profile, room in (("standard", 60), ("elder", 4)):
        page = arrange(seen, Favourites(), zone="190000", profile=profile)  # type: ignore[arg-type]
        (section,) = sections_of(page.places, page.totals)
        assert (len(section.app_ids), section.total) == (room, 70)
