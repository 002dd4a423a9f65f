"""All that is exposed, as entries that can be listed and found. Immutable; built once for each change."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from app.kit.structs import Model
from gateway.pages.addresses import page_label
from miniapps.catalogue.models import ServiceView, service_view
from miniapps.catalogue.search import SearchIndex, fields_of
from miniapps.releases.models import GrayApp, PublishedApp


class Filters(Model):
    """What is asked of a list: offered in `zone`, on this `subject`, for this `life_event`. None asks nothing."""

    zone: str | None = None
    subject: str | None = None
    life_event: str | None = None


class Listed(Model):
    """One release as an entry."""

    view: ServiceView
    release_id: UUID
    gray: bool


class Catalogue:
    """What there is, in the order of app ids; of an app with a gray release both. `origin` is that of the apps host."""

    def __init__(self, exposed: Sequence[PublishedApp | GrayApp], origin: str) -> None:
        apps = [(each.app, True) if isinstance(each, GrayApp) else (each, False) for each in exposed]
        apps.sort(key=lambda each: (each[0].app_id, each[1]))
        self.listed = [
            Listed(view=service_view(app, _pages(app, origin, gray=gray)), release_id=app.release_id, gray=gray)
            for app, gray in apps
        ]
        self.index = SearchIndex([fields_of(app) for app, _ in apps])
        self.numbers: Mapping[str, Sequence[int]] = _numbers(self.listed)


def _pages(app: PublishedApp, origin: str, *, gray: bool) -> str | None:
    """Where its pages stand below `origin`: those of a release on trial at an address that only its own people read."""
    backend = app.manifest.backend
    label = page_label(app.app_id, app.release_id if gray else None)
    if backend is None or backend.pages is None or label is None:
        return None
    scheme, _, host = origin.partition("://")
    return f"{scheme}://{label}.{host}/"


def _numbers(listed: Iterable[Listed]) -> dict[str, list[int]]:
    numbers: dict[str, list[int]] = {}
    for number, each in enumerate(listed):
        numbers.setdefault(each.view.app_id, []).append(number)
    return numbers
