"""The routing snapshot: what is published, compiled into one immutable value that feeds routing, limits and cards.

Pure: published apps in, snapshot out. An application that does not compile keeps its last good form and is reported; it
never takes another one down, and never a good snapshot. Suspension always takes effect, whatever else is wrong.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import structs

from app.kit.structs import Model, Text
from gateway.limits.models import Limit
from gateway.masking import Mask, compile_mask
from miniapps.manifest import Manifest, Rate, Route, Scope, Widget, address_problem, split_template, template_shape
from miniapps.releases.models import PublishedApp

NO_REASON: Final = Text(zh="运营方已暂停该服务", en="Suspended by the operator")
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Suspension(Model):
    """Why a mini-app was taken away, what the other way is, and since when (RFC 3339)."""

    reason: Text
    fallback: Text
    since: str | None


class CompiledRoute(Model):
    """One way in, with everything that a call along it must satisfy."""

    method: str
    template: str
    scopes: tuple[Scope, ...]
    min_ial: int
    min_aal: int
    streamed: bool
    body_limit: int
    timeout_seconds: float
    retry_safe: bool
    limit: Limit | None
    masks: tuple[Mask, ...] = ()


class Branch:
    """A node of the routes' tree. Built once, then only read."""

    __slots__ = ("literals", "parameter", "routes")

    def __init__(self) -> None:
        self.literals: dict[str, Branch] = {}
        self.parameter: Branch | None = None
        self.routes: dict[str, CompiledRoute] = {}

    def find(self, segments: tuple[str, ...]) -> "Branch | None":
        """The branch whose template fits `segments`; a literal wins over a parameter, from left to right.

        Visits each branch at most once, so a manifest bounds the work, never the request.
        """
        if not segments:
            return self if self.routes else None
        head, rest = segments[0], segments[1:]
        literal = self.literals.get(head)
        found = literal.find(rest) if literal is not None else None
        if found is None and self.parameter is not None and head:
            found = self.parameter.find(rest)
        return found


class CompiledApp(Model):
    """A mini-app ready to be called. `routes` is a tree by raw path segments.

    `department` is the name under which breaker, bulkhead and pairwise ids know the owner.
    """

    app_id: str
    organization_id: UUID
    department: str
    release_id: UUID
    name: Text
    fallback: Text
    alt_channels: tuple[Text, ...]
    audience: frozenset[str]
    zones: frozenset[str]
    items: tuple[str, ...]
    base_url: str
    authority: str
    base_path: str
    widgets: tuple[Widget, ...]
    suspension: Suspension | None
    routes: object  # a Branch, which msgspec cannot name


class RouteSnapshot(Model):
    """Everything published, by app_id. Immutable; replaced as a whole."""

    apps: Mapping[str, CompiledApp] = {}


class Rejection(Model):
    """A publication that did not compile, and why."""

    app_id: str
    reason: str


class Compilation(Model):
    """The next snapshot, and what could not be taken into it."""

    snapshot: RouteSnapshot
    rejections: tuple[Rejection, ...]


class NotCompilable(Exception):
    """A manifest cannot be routed; the text is a stable word."""


def compile_snapshot(published: Iterable[PublishedApp], previous: RouteSnapshot) -> Compilation:
    """The snapshot of what is `published`; an app that does not compile keeps the form it has in `previous`."""
    apps: dict[str, CompiledApp] = {}
    rejections: list[Rejection] = []
    for app in published:
        if app.manifest.kind == "directory":
            continue
        try:
            apps[app.app_id] = _unchanged(app, previous) or compile_app(app)
        except NotCompilable as error:
            rejections.append(Rejection(app_id=app.app_id, reason=str(error)))
            kept = _kept(app, previous)
            if kept is not None:
                apps[app.app_id] = kept
    return Compilation(snapshot=RouteSnapshot(apps=apps), rejections=tuple(rejections))


def compile_app(published: PublishedApp) -> CompiledApp:
    """One app; raises `NotCompilable`."""
    manifest = published.manifest
    if manifest.app_id != published.app_id:
        raise NotCompilable("app-id-differs")
    backend = manifest.backend
    if backend is None:
        raise NotCompilable("no-backend")
    base_url = backend.base_url.live
    if address_problem(base_url) is not None:
        raise NotCompilable("address")
    parts = urlsplit(base_url)
    assert parts.hostname is not None
    return CompiledApp(
        app_id=published.app_id,
        organization_id=published.organization_id,
        department=str(published.organization_id),
        release_id=published.release_id,
        name=manifest.name.as_text(),
        fallback=manifest.fallback.text.as_text(),
        alt_channels=tuple(channel.as_text() for channel in manifest.fallback.alt_channels),
        audience=frozenset(manifest.audience),
        zones=frozenset(manifest.zones),
        items=tuple(item.item_code for item in manifest.items),
        base_url=f"{parts.scheme}://{parts.netloc}",
        authority=_authority(parts.scheme, parts.netloc, parts.port),
        base_path=parts.path.rstrip("/"),
        widgets=manifest.widgets,
        suspension=_suspension(published),
        routes=_tree(manifest),
    )


def _suspension(published: PublishedApp) -> Suspension | None:
    if published.state != "suspended":
        return None
    return Suspension(
        reason=published.reason or NO_REASON,
        fallback=published.fallback,
        since=None if published.suspended_at is None else published.suspended_at.isoformat(),
    )


def _unchanged(published: PublishedApp, previous: RouteSnapshot) -> CompiledApp | None:
    known = previous.apps.get(published.app_id)
    same = known is not None and (
        known.release_id == published.release_id and known.suspension == _suspension(published)
    )
    return known if same else None


def _kept(published: PublishedApp, previous: RouteSnapshot) -> CompiledApp | None:
    known, suspension = previous.apps.get(published.app_id), _suspension(published)
    if known is None or known.suspension == suspension:
        return known
    return structs.replace(known, suspension=suspension)


def _authority(scheme: str, netloc: str, port: int | None) -> str:
    """The Host that will stand on the wire: without the scheme's own port."""
    default = DEFAULT_PORTS[scheme]
    return netloc.removesuffix(f":{port}") if port == default else netloc


def _tree(manifest: Manifest) -> Branch:
    scopes = {scope.name: scope for scope in manifest.scopes}
    masks = _masks(manifest)
    root = Branch()
    shapes: set[tuple[str, str]] = set()
    for route in manifest.routes:
        shape = (route.method, template_shape(route.path))
        if shape in shapes:
            raise NotCompilable("route-repeated")
        shapes.add(shape)
        _branch(root, route).routes[route.method] = _compile_route(
            route, scopes, masks.pop((route.method, route.path), ())
        )
    if masks:
        raise NotCompilable("masking-without-route")
    return root


def _masks(manifest: Manifest) -> dict[tuple[str, str], tuple[Mask, ...]]:
    """Every route's masks, by method and template."""
    masks: dict[tuple[str, str], tuple[Mask, ...]] = {}
    for masking in manifest.data.masking:
        place = (masking.method, masking.path)
        masks[place] = (*masks.get(place, ()), compile_mask(masking))
    return masks


def _branch(root: Branch, route: Route) -> Branch:
    branch = root
    for segment in split_template(route.path):
        if segment.startswith("."):
            raise NotCompilable("reserved-path")
        if segment.startswith("{"):
            branch.parameter = branch.parameter or Branch()
            branch = branch.parameter
        else:
            branch = branch.literals.setdefault(segment, Branch())
    return branch


def _compile_route(route: Route, scopes: Mapping[str, Scope], masks: tuple[Mask, ...]) -> CompiledRoute:
    if any(name not in scopes for name in route.scopes):
        raise NotCompilable("scope-unknown")
    if masks and route.body == "streamed":
        raise NotCompilable("masking-on-stream")
    return CompiledRoute(
        method=route.method,
        template=route.path,
        scopes=tuple(scopes[name] for name in route.scopes),
        min_ial=route.min_ial,
        min_aal=route.min_aal,
        streamed=route.body == "streamed",
        body_limit=route.body_limit,
        timeout_seconds=route.timeout_ms / 1000,
        retry_safe=route.retry_safe,
        limit=None if route.rate is None else _limit(route.rate),
        masks=masks,
    )


def _limit(rate: Rate) -> Limit:
    return Limit(requests=rate.requests, per_seconds=rate.per_seconds, burst=rate.requests)
