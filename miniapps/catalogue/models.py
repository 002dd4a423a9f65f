"""A mini-app as anybody may see it."""

from app.kit.structs import Model, Text
from miniapps.catalogue.search import Matched
from miniapps.manifest import Manifest
from miniapps.releases.models import Ending, PublishedApp


class ServiceView(Model):
    """An entry of the catalogue. `reason` and `fallback` are there when `state` is "suspended".

    `ending` is there when its end is announced. `elder_ready`: made for elders too, in large text and few steps.
    `items` are the items of business it is for, `pages` where its own pages stand, if it has any.
    """

    app_id: str
    name: Text
    short_name: str
    description: Text
    kind: str
    department: str
    zones: list[str]
    audience: list[str]
    subjects: list[str]
    life_events: list[str]
    keywords: list[str]
    items: list[str]
    elder_ready: bool
    version: str
    state: str
    reason: Text | None
    fallback: Text | None
    ending: Ending | None
    entry: str
    pages: str | None
    hotline: str


class FoundService(Model):
    """A service that was found; `why` says where each word was found, and how it fits there."""

    service: ServiceView
    why: list[Matched]


class SearchView(Model):
    """The best answers to a question; `total` counts all."""

    items: list[FoundService]
    total: int


class ServiceList(Model):
    """A page of the catalogue, in the order of app ids."""

    items: list[ServiceView]
    next: str | None


def service_view(app: PublishedApp, pages: str | None = None) -> ServiceView:
    """What anybody sees of a published mini-app."""
    manifest, suspended = app.manifest, app.state == "suspended"
    return ServiceView(
        app_id=app.app_id,
        name=manifest.name.as_text(),
        short_name=manifest.short_name,
        description=manifest.description.as_text(),
        kind=manifest.kind,
        department=app.organization_name,
        zones=list(manifest.zones),
        audience=list(manifest.audience),
        subjects=list(manifest.subjects),
        life_events=list(manifest.life_events),
        keywords=list(manifest.keywords),
        items=[item.name for item in manifest.items],
        elder_ready=manifest.accessibility.elder_mode,
        version=manifest.version.name,
        state=app.state,
        reason=app.reason if suspended else None,
        fallback=app.fallback if suspended else None,
        ending=app.ending,
        entry=entry_of(manifest),
        pages=pages,
        hotline=manifest.support.hotline,
    )


def entry_of(manifest: Manifest) -> str:
    """Where the citizen goes: into the mini-app, or for a directory entry to the page that it names."""
    return manifest.link or f"ssb://miniapp/{manifest.app_id}/"
