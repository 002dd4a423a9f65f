"""The shape of a manifest: what each field may hold, one by one. What fields must agree on together is in `lint`.

An unknown field is an error everywhere, so that a misspelt limit is never silently no limit.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, field

from app.kit.structs import Request, Text

# `$(?!\n)`: Python's `$` also matches before a final line feed; ECMAScript's does not.
_END = r"$(?!\n)"
# Printed text: no control characters, and none of those that turn, hide or reorder what a reader sees.
_PRINTED = r"^[^\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]*" + _END

AppId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9]*(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?){1,7}" + _END,
        max_length=128,
        description="Reverse domain name of the mini-app, for ever: cn.example.library",
    ),
]
ShortText = Annotated[str, Meta(pattern=_PRINTED, min_length=1, max_length=64)]
LongText = Annotated[str, Meta(pattern=_PRINTED, min_length=1, max_length=1000)]
Identifier = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}" + _END)]
ScopeName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*([.:-][a-z0-9_]+)*" + _END, max_length=64)]
ItemCode = Annotated[str, Meta(pattern=r"^[0-9A-Z][0-9A-Z_-]{2,63}" + _END)]
ZoneCode = Annotated[
    str,
    Meta(pattern=r"^[0-9]{6}([0-9]{3}){0,2}" + _END, description="GB/T 2260: city or district (6 digits), street (9)"),
]
CreditCode = Annotated[str, Meta(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}" + _END, description="GB 32100")]
Url = Annotated[str, Meta(min_length=1, max_length=512)]
Host = Annotated[str, Meta(min_length=1, max_length=253)]
Days = Annotated[int, Meta(ge=0, le=3650)]
Milliseconds = Annotated[int, Meta(ge=50, le=60_000)]
Seconds = Annotated[int, Meta(ge=0, le=86_400)]
Level = Annotated[int, Meta(ge=0, le=3)]
PathTemplate = Annotated[
    str,
    Meta(
        pattern=r"^/(([A-Za-z0-9_~-][A-Za-z0-9._~-]*|\{[a-z][a-z0-9_]{0,31}\})"
        r"(/([A-Za-z0-9_~-][A-Za-z0-9._~-]*|\{[a-z][a-z0-9_]{0,31}\})){0,15})?" + _END,
        max_length=256,
        description="Literal segments and {parameters}, each a whole segment: /loans/{loan_id}/renewals",
    ),
]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
Audience = Literal["person", "organization", "visitor", "staff"]
SAFE_METHODS: frozenset[str] = frozenset({"GET", "HEAD"})
MEBIBYTE = 1024 * 1024


class Part(Request, omit_defaults=True):
    """A piece of a manifest: frozen, strict about its fields, and silent about those that hold their default."""


class LocalText(Part):
    """A text that a citizen reads, in both languages."""

    zh: LongText
    en: LongText

    def as_text(self) -> Text:
        """The same as the floor's `Text`."""
        return Text(zh=self.zh, en=self.en)


class Version(Part):
    """`code` strictly increases from version to version; `name` is for people."""

    code: Annotated[int, Meta(ge=1, le=2_147_483_647)]
    name: Annotated[str, Meta(pattern=r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,31}" + _END)]


class Icon(Part):
    """A picture of the mini-app, square, by its side in pixels."""

    url: Url
    size: Annotated[int, Meta(ge=16, le=2048)]


class Owner(Part):
    """The organization that answers for the mini-app."""

    org_code: CreditCode
    org_name: ShortText
    level: Literal["nation", "province", "city", "district", "street", "community"]
    region: ZoneCode


class Contact(Part):
    """Somebody at the department who answers."""

    role: Literal["business", "tech", "security", "oncall"]
    name: ShortText
    phone: Annotated[str, Meta(pattern=r"^\+?[0-9][0-9 -]{2,31}" + _END)] | None = None
    email: Annotated[str, Meta(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}" + _END)] | None = None


class Material(Part):
    """What an item asks for, and where it can come from instead of the citizen."""

    code: ItemCode
    name: ShortText
    source: Literal["licence", "share", "commitment", "upload"]


class Item(Part):
    """A government service item (政务服务事项): its legal term and the promised one, in working days."""

    item_code: ItemCode
    name: ShortText
    kind: Literal["licensing", "confirmation", "benefit", "reward", "adjudication", "other_power", "public_service"]
    legal_days: Days
    promised_days: Days
    materials: tuple[Material, ...] = ()


class BaseUrl(Part):
    """Where the backend answers, for each exposure. Routes' paths are appended."""

    live: Url
    gray: Url | None = None
    sandbox: Url | None = None


class Rate(Part):
    """At most `requests` in `per_seconds`, for one person."""

    requests: Annotated[int, Meta(ge=1, le=100_000)]
    per_seconds: Annotated[int, Meta(ge=1, le=86_400)]


class Cache(Part):
    """How long an answer may be kept; `shared` means the same bytes for everybody."""

    ttl_s: Seconds
    shared: bool = False


class Route(Part):
    """One way in. Nothing that is not declared here reaches the department.

    `min_ial` 0 means that nobody needs to be signed in. `retry_safe` tells whether the gateway may send it twice.
    """

    method: Method
    path: PathTemplate
    scopes: tuple[ScopeName, ...] = ()
    min_ial: Level = 1
    min_aal: Level = 1
    idempotent: bool = False
    rate: Rate | None = None
    body: Literal["buffered", "streamed"] = "buffered"
    body_limit: Annotated[int, Meta(ge=0, le=1024 * MEBIBYTE)] = MEBIBYTE
    timeout_ms: Milliseconds = 5000
    cache: Cache | None = None

    @property
    def retry_safe(self) -> bool:
        """Whether doing it twice does no more than doing it once (RFC 9110, section 9.2.2)."""
        return self.idempotent or self.method in SAFE_METHODS


class BackendKey(Part):
    """A public key of the department (P-256, as in RFC 7518): for its own answers, or for its sign-in requests."""

    kid: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}" + _END)]
    x: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}" + _END)]
    y: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}" + _END)]


class Login(Part):
    """How the department's own pages sign citizens in with the city (OpenID Connect). Each address is matched whole.

    The keys by which the client proves itself (`private_key_jwt`) are named here, so that a new key is a new version
    with a review of its own; or they are published at `jwks_uri`, where the department changes them by itself.
    """

    redirect_uris: Annotated[tuple[Url, ...], Meta(min_length=1, max_length=16)]
    keys: Annotated[tuple[BackendKey, ...], Meta(max_length=8)] = ()
    jwks_uri: Url | None = None
    post_logout_redirect_uris: Annotated[tuple[Url, ...], Meta(max_length=16)] = ()
    backchannel_logout_uri: Url | None = None


class Pages(Part):
    """Public pages of the mini-app, served on an origin of its own from below `path`; no route may lie there."""

    path: Annotated[
        str,
        Meta(
            pattern=r"^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*){1,4}" + _END,
            max_length=64,
            description="Prefix below base_url: /site, so that / of the pages is /site/ of the backend",
        ),
    ]


class Backend(Part):
    """The department's own server."""

    base_url: BaseUrl
    routes: Annotated[tuple[Route, ...], Meta(max_length=500)] = ()
    keys: Annotated[tuple[BackendKey, ...], Meta(max_length=8)] = ()
    health: PathTemplate = "/health"
    pages: Pages | None = None


class Widget(Part):
    """A card for the citizen's home. A personal one is asked for with an assertion, in the citizen's name."""

    id: Identifier
    kind: Literal["text", "list", "figure", "alert"]
    ttl_s: Seconds = 300
    timeout_ms: Annotated[int, Meta(ge=50, le=1000)] = 300
    personal: bool = False
    min_ial: Level = 1


class Scope(Part, kw_only=True):
    """A bundle of citizen's data that routes may ask for, and why the law lets the department have it."""

    name: ScopeName
    fields: Annotated[tuple[Identifier, ...], Meta(max_length=64)] = ()
    purpose: LocalText
    basis: Literal["statute", "contract", "consent"]
    legal_basis: LongText | None = None
    required: bool = False
    retention_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    sensitivity: Literal["public", "personal", "sensitive"] = field(name="class", default="personal")


class Masking(Part):
    """A field of a route's answer that the gateway masks: `pointer` is a JSON pointer in which `*` is each element."""

    method: Method
    path: PathTemplate
    pointer: Annotated[str, Meta(pattern=r"^(/([A-Za-z0-9_-]{1,64}|\*)){1,16}" + _END)]
    rule: Literal["name", "document", "phone"]


class Data(Part):
    """Which data the mini-app handles."""

    scopes: Annotated[tuple[Scope, ...], Meta(max_length=64)] = ()
    masking: Annotated[tuple[Masking, ...], Meta(max_length=200)] = ()


class Sla(Part):
    """What the department promises about its backend."""

    availability: Annotated[float, Meta(ge=0.0, le=100.0)]
    p95_ms: Milliseconds


class Fallback(Part):
    """What the citizen is told when the mini-app does not answer, and the other ways: never only this one."""

    text: LocalText
    alt_channels: Annotated[tuple[LocalText, ...], Meta(min_length=1, max_length=8)]


class Rating(Part):
    """Whether citizens rate each act (好差评), and in how many working days the department replies."""

    enabled: bool = True
    reply_days: Annotated[int, Meta(ge=1, le=30)] = 5


class Accessibility(Part):
    """How the mini-app serves elders and people with disabilities (GB/T 37668 level)."""

    elder_mode: bool = False
    level: Literal["none", "A", "AA", "AAA"] = "none"


class Conduct(Part):
    """Practices that the city does not allow; declared, so that a lie is a breach."""

    check_in: bool = False
    ranking: bool = False
    forced_duration: bool = False


class Support(Part):
    """Where a citizen turns with a complaint."""

    hotline: Annotated[str, Meta(pattern=r"^\+?[0-9][0-9 -]{2,31}" + _END)]
    complaint_url: Url | None = None


class Sunset(Part):
    """When the mini-app ends, and which one follows it."""

    at: Annotated[datetime, Meta(tz=True)]
    successor: AppId | None = None


class Emergency(Part):
    """A registration by law while something lasts: it ends by itself, and its data is deleted and that proven."""

    event: LocalText
    legal_basis: LongText
    expires_at: Annotated[datetime, Meta(tz=True)]


class Manifest(Part, kw_only=True):
    """The whole declaration. An approved one *is* the route, the scope, the limit and the card."""

    schema: Literal["ssb-manifest/1"]
    kind: Literal["integrated", "directory"] = "integrated"
    app_id: AppId
    version: Version
    name: LocalText
    short_name: Annotated[str, Meta(pattern=_PRINTED, min_length=1, max_length=6)]
    description: LocalText
    icons: Annotated[tuple[Icon, ...], Meta(max_length=8)] = ()
    locales: Annotated[tuple[Literal["zh-CN", "en"], ...], Meta(min_length=1, max_length=2)] = ("zh-CN",)
    owner: Owner
    contacts: Annotated[tuple[Contact, ...], Meta(min_length=1, max_length=16)]
    zones: Annotated[tuple[ZoneCode, ...], Meta(min_length=1, max_length=500)]
    audience: Annotated[tuple[Audience, ...], Meta(min_length=1, max_length=4)]
    subjects: Annotated[tuple[ShortText, ...], Meta(max_length=16)] = ()
    life_events: Annotated[tuple[ShortText, ...], Meta(max_length=16)] = ()
    keywords: Annotated[tuple[ShortText, ...], Meta(max_length=32)] = ()
    items: Annotated[tuple[Item, ...], Meta(max_length=500)] = ()
    backend: Backend | None = None
    login: Login | None = None
    link: Url | None = None
    widgets: Annotated[tuple[Widget, ...], Meta(max_length=16)] = ()
    data: Data = Data()
    sla: Sla | None = None
    fallback: Fallback
    rating: Rating = Rating()
    accessibility: Accessibility = Accessibility()
    conduct: Conduct = Conduct()
    support: Support
    filing: ShortText | None = None
    sunset: Sunset | None = None
    emergency: Emergency | None = None

    @property
    def routes(self) -> tuple[Route, ...]:
        """The declared ways in; none for a directory entry."""
        return self.backend.routes if self.backend else ()

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The declared bundles of data."""
        return self.data.scopes
