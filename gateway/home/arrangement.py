"""Which services stand on a page, in which order, and why: pure, so that the same page always comes out the same.

Pinned ones in the citizen's own order, then those used lately, then those of the place, the nearest first. Nothing that
is hidden, nothing twice, nothing that this citizen is not served by.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from app.kit.structs import Model
from auth.principal import Principal
from gateway.home.models import SECTION_REASONS, SECTION_TITLES, EndingService, Favourites, Profile, Section, Why
from gateway.home.shelves import Seen
from gateway.policy import AUDIENCE_OF
from gateway.snapshot import CompiledApp
from miniapps.manifest import Widget
from miniapps.zones.codes import nearest

ROOM: Final[Mapping[Profile, Mapping[Why, int]]] = {
    "standard": {"pinned": 50, "used": 20, "public": 60},
    "elder": {"pinned": 8, "used": 4, "public": 4},
}
"""How many services of a kind a page has room for."""


class Place(Model):
    """One service on the page; `why` is the section in which it stands."""

    app: CompiledApp
    why: Why


class Arrangement(Model):
    """What stands on the page, from above; `totals` counts what would, if there were room."""

    places: tuple[Place, ...]
    totals: Mapping[Why, int]


def arrange(seen: Seen, favourites: Favourites, *, zone: str, profile: Profile) -> Arrangement:
    """The page in `zone`. An elder's has two sections at most, and what was made for elders before the rest."""
    elder = profile == "elder"
    taken: set[str] = set(favourites.hidden)

    def take(apps: Iterable[CompiledApp]) -> Iterator[CompiledApp]:
        for app in apps:
            if app.app_id not in taken:
                taken.add(app.app_id)
                yield app

    pinned = list(take(seen.find_all(favourites.pinned)))
    used = list(take(seen.find_all(favourites.used)))
    if elder:
        used.sort(key=lambda app: not app.elder_ready)  # stable: the latest first within each
    public = list(take(seen.in_zone(zone, elder=elder)))
    sections: dict[Why, list[CompiledApp]] = {"pinned": pinned, "used": used, "public": public}
    if elder and pinned:
        sections["used"] = []
    room = ROOM[profile]
    return Arrangement(
        places=tuple(Place(app=app, why=why) for why, apps in sections.items() for app in apps[: room[why]]),
        totals={why: len(apps) for why, apps in sections.items()},
    )


def sections_of(places: Iterable[Place], totals: Mapping[Why, int]) -> list[Section]:
    """The page's table of contents."""
    grouped: dict[Why, list[str]] = {}
    for place in places:
        grouped.setdefault(place.why, []).append(place.app.app_id)
    return [
        Section(id=why, title=SECTION_TITLES[why], why=SECTION_REASONS[why], app_ids=app_ids, total=totals[why])
        for why, app_ids in grouped.items()
    ]


def endings_of(places: Iterable[Place]) -> list[EndingService]:
    """Those on the page that end, in their order, each once."""
    ending = {place.app.app_id: place.app for place in places if place.app.ending is not None}
    return [
        EndingService(app_id=app.app_id, name=app.name, at=end.at, reason=end.reason, successor=end.successor)
        for app in ending.values()
        if (end := app.ending) is not None
    ]


def zone_told(app: CompiledApp, zone: str) -> str | None:
    """Where a citizen of `zone` is, as far as the service must know: the nearest of its own zones, never a finer one.

    A service of the whole city hears only that; one with a page for each district names the districts.
    """
    return nearest(zone, app.zones)


def personal_widgets(app: CompiledApp, principal: Principal, profile: Profile) -> dict[str, Widget]:
    """The cards of `app` that are this citizen's own; on an elder's page the first of them."""
    if AUDIENCE_OF[principal.subject_type] not in app.audience:
        return {}
    own = {widget.id: widget for widget in app.widgets if widget.personal and principal.ial >= widget.min_ial}
    return dict(list(own.items())[:1]) if profile == "elder" else own


def has_own_page(principal: Principal | None) -> bool:
    """Whether there is a page of the caller's own: not for staff, nor for who may be a number's new holder.

    An agent of a person sees what everybody sees: which services somebody uses is theirs to know.
    """
    if principal is None or principal.subject_type == "official" or principal.unproven:
        return False
    return principal.subject_type == "organization" or principal.agent_id is None


def may_be_named(principal: Principal) -> bool:
    """Whether departments may be asked for cards in the subject's name.

    Not on a mandate: it is judged and written down act by act, and looking at a page is no act of anybody's.
    """
    return has_own_page(principal) and principal.mandate_id is None
