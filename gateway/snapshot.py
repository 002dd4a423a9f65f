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
from auth.consents.texts import Recipient
from gateway.exposure import Rule
from gateway.limits.models import Limit
from miniapps.manifest import (
    Manifest,
    Rate,
    Route,
    Scope,
    Widget,
    address_problem,
    label_of,
    lies_below,
    recipient_of,
    split_template,
    template_shape,
)
from miniapps.manifest.masking import Mask, masks_of
from miniapps.releases.models import Ending, GrayApp, PublishedApp

NO_REASON: Final = Text(zh="运营方已暂停该服务", en="Suspended by the operator")
CASE: Final = "{case_id}"
"""Where a path names the case that a call is about: the department reads it in the assertion, signed."""
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Suspension(Model):
    """Why a mini-app was taken away, what the other way is, and since when (RFC 3339)."""

    reason: Text
    fallback: Text
    since: str | None


class CompiledRoute(Model):
    """One way in, with everything that a call along it must satisfy. `case_at`: which segment names a case, if any."""

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
    case_at: int | None = None
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

    `department` is the name under which pairwise ids know the owner; `lane` the one under which breaker, bulkhead and
    retries do: a gray release has its own, so that its faults never rest what everybody uses.
    """

    app_id: str
    organization_id: UUID
    department: str
    lane: str
    gray: bool
    release_id: UUID
    version_code: int
    name: Text
    fallback: Text
    alt_channels: tuple[Text, ...]
    audience: frozenset[str]
    recipient: Recipient
    zones: frozenset[str]
    items: tuple[str, ...]
    base_url: str
    authority: str
    base_path: str
    widgets: tuple[Widget, ...]
    scopes: tuple[Scope, ...]
    elder_ready: bool
    pages: str | None  # the prefix of its public pages, below the base path
    suspension: Suspension | None
    ending: Ending | None
    routes: object  # a Branch, which msgspec cannot name


class Gray(Model):
    """A release on its way to everybody, and whom it takes so far."""

    app: CompiledApp
    rule: Rule


class Entry(Model):
    """What there is of one mini-app: the published release, the gray one, or both."""

    app_id: str
    published: CompiledApp | None = None
    gray: Gray | None = None

    @property
    def suspension(self) -> Suspension | None:
        """Why nobody may call it now. A suspension is the mini-app's, so that both releases have the same one."""
        known = self.published or (self.gray.app if self.gray is not None else None)
        return known.suspension if known is not None else None

    @property
    def asks_zone(self) -> bool:
        """Whether `choose` needs to know where a subject is at home."""
        return self.gray is not None and bool(self.gray.rule.zones)


class RouteSnapshot(Model):
    """Everything exposed, by app_id. Immutable; replaced as a whole.

    `apps` is what a visitor sees, the published releases alone; for a subject read `entries` through `choose`.
    """

    apps: Mapping[str, CompiledApp] = {}
    entries: Mapping[str, Entry] = {}


def choose(entry: Entry, subject_id: UUID | None, zone: str | None) -> CompiledApp | None:
    """The release that this subject, at home in `zone`, is served by; None for nobody's business yet.

    The one place that decides it: calls, streams, cards, search and lists all ask here, so that nobody is shown one
    release and served by another. A visitor has no bucket and sees what is published.
    """
    gray = entry.gray
    if gray is None or subject_id is None:
        return entry.published
    taken = gray.rule.takes(subject_id, gray.app.app_id, gray.app.release_id, zone)
    return gray.app if taken else entry.published


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


def compile_snapshot(exposed: Iterable[PublishedApp | GrayApp], previous: RouteSnapshot) -> Compilation:
    """The snapshot of what is `exposed`; an app that does not compile keeps the form it has in `previous`.

    A gray release that does not compile takes nobody; what is published beside it stays as it is.
    """
    apps: dict[str, CompiledApp] = {}
    grays: dict[str, Gray] = {}
    rejections: list[Rejection] = []
    for each in exposed:
        gray, app = (each, each.app) if isinstance(each, GrayApp) else (None, each)
        if app.manifest.kind == "directory":
            continue
        try:
            compiled = _unchanged(app, previous, gray=gray is not None) or compile_app(app, gray=gray is not None)
        except NotCompilable as error:
            rejections.append(Rejection(app_id=app.app_id, reason=str(error)))
            kept = _kept(app, previous) if gray is None else None
            if kept is not None:
                apps[app.app_id] = kept
            continue
        if gray is None:
            apps[app.app_id] = compiled
        else:
            grays[app.app_id] = Gray(app=compiled, rule=_rule(gray))
    entries = {
        app_id: Entry(app_id=app_id, published=apps.get(app_id), gray=grays.get(app_id)) for app_id in {**apps, **grays}
    }
    return Compilation(snapshot=RouteSnapshot(apps=apps, entries=entries), rejections=tuple(rejections))


def _rule(gray: GrayApp) -> Rule:
    return Rule(percent=gray.percent, zones=frozenset(gray.zones), testers=gray.testers)


def compile_app(published: PublishedApp, *, gray: bool = False) -> CompiledApp:
    """One app; raises `NotCompilable`. A gray release goes to `base_url.gray` where its manifest names one."""
    manifest = published.manifest
    if manifest.app_id != published.app_id:
        raise NotCompilable("app-id-differs")
    backend = manifest.backend
    if backend is None:
        raise NotCompilable("no-backend")
    base_url = (backend.base_url.gray if gray else None) or backend.base_url.live
    if address_problem(base_url) is not None:
        raise NotCompilable("address")
    parts = urlsplit(base_url)
    assert parts.hostname is not None
    return CompiledApp(
        app_id=published.app_id,
        organization_id=published.organization_id,
        department=str(published.organization_id),
        lane=str(published.release_id if gray else published.organization_id),
        gray=gray,
        release_id=published.release_id,
        version_code=published.version_code,
        name=manifest.name.as_text(),
        fallback=manifest.fallback.text.as_text(),
        alt_channels=tuple(channel.as_text() for channel in manifest.fallback.alt_channels),
        audience=frozenset(manifest.audience),
        recipient=recipient_of(manifest),
        zones=frozenset(manifest.zones),
        items=tuple(item.item_code for item in manifest.items),
        base_url=f"{parts.scheme}://{parts.netloc}",
        authority=_authority(parts.scheme, parts.netloc, parts.port),
        base_path=parts.path.rstrip("/"),
        widgets=manifest.widgets,
        scopes=manifest.scopes,
        elder_ready=manifest.accessibility.elder_mode,
        pages=_pages(manifest),
        suspension=_suspension(published),
        ending=published.ending,
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


def _unchanged(published: PublishedApp, previous: RouteSnapshot, *, gray: bool) -> CompiledApp | None:
    entry = previous.entries.get(published.app_id)
    if entry is None:
        return None
    known = (entry.gray.app if entry.gray is not None else None) if gray else entry.published
    same = known is not None and (
        known.release_id == published.release_id
        and known.suspension == _suspension(published)
        and known.ending == published.ending
    )
    return known if same else None


def _kept(published: PublishedApp, previous: RouteSnapshot) -> CompiledApp | None:
    known, suspension = previous.apps.get(published.app_id), _suspension(published)
    if known is None or (known.suspension == suspension and known.ending == published.ending):
        return known
    return structs.replace(known, suspension=suspension, ending=published.ending)


def _authority(scheme: str, netloc: str, port: int | None) -> str:
    """The Host that will stand on the wire: without the scheme's own port."""
    default = DEFAULT_PORTS[scheme]
    return netloc.removesuffix(f":{port}") if port == default else netloc


def _tree(manifest: Manifest) -> Branch:
    scopes = {scope.name: scope for scope in manifest.scopes}
    masks = masks_of(manifest)
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


def _pages(manifest: Manifest) -> str | None:
    """Where pages begin. What anybody may see must not be a way around what a route asks of its callers."""
    pages = manifest.backend.pages if manifest.backend is not None else None
    if pages is None or label_of(manifest.app_id) is None:
        return None
    if any(lies_below(route.path, pages.path) for route in manifest.routes):
        raise NotCompilable("route-among-pages")
    return pages.path


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
        case_at=_case_at(route),
        masks=masks,
    )


def _case_at(route: Route) -> int | None:
    segments = split_template(route.path)
    return segments.index(CASE) if CASE in segments else None


def _limit(rate: Rate) -> Limit:
    return Limit(requests=rate.requests, per_seconds=rate.per_seconds, burst=rate.requests)
