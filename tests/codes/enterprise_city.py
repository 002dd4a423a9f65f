"""A small city for the rooms of scanners, enterprise codes and checks: real routes, real tables, chosen callers."""

import base64
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, cast
from uuid import UUID

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from litestar import Router

from app.kit import http_signatures
from app.kit.clock import Clock
from app.kit.database import Connection
from app.kit.errors import NotFound
from app.kit.floor import Floor
from app.kit.http_signatures import RequestParts, SignatureParams
from app.kit.ids import new_id, new_token
from app.kit.structs import Model
from auth.documents import make_synthetic_credit_code
from auth.keys import point_of
from auth.principal import Principal
from codes.enterprise.checks.service import EnterpriseChecks
from codes.enterprise.checks.sources import SourceDesk
from codes.settings import CodesSettings
from codes.venues.scanners.guards import COVERED, TAG
from codes.venues.scanners.service import PROOF_TYPE
from codes.verification.lane.door import ASGIApp
from codes.wiring import CodesPorts, CodesServices, asgi, build_codes, routers
from tests.fixtures.doors import Door

ORIGIN = "http://127.0.0.1:8000"
AUTHORITY = "127.0.0.1:8000"
LIBRARY = UUID("00000000-0000-7000-8000-000000000001")
FIRE_RESCUE = UUID("00000000-0000-7000-8000-000000000002")
RESTAURANT = UUID("00000000-0000-7000-8000-000000000003")
OTHER_COMPANY = UUID("00000000-0000-7000-8000-000000000004")
MARKET_SUPERVISION = UUID("00000000-0000-7000-8000-000000000005")
DEPARTMENTS = {LIBRARY, FIRE_RESCUE, MARKET_SUPERVISION}
CONNECTED = dict.fromkeys(("fire", "emergency", "work_safety"), "http://127.0.0.1:9")
"""Registers of this city, as checklists know them; whom a check asks, a test chooses."""


class Organization(Model):
    """As identity would describe it."""

    id: UUID
    name: str
    credit_code: str
    kind: str = "enterprise"
    status: str = "active"


class KnownOrganizations:
    """The register of organizations, in memory."""

    def __init__(self) -> None:
        names = {
            LIBRARY: "演示图书馆",
            FIRE_RESCUE: "演示消防救援",
            RESTAURANT: "演示餐饮有限公司",
            OTHER_COMPANY: "演示<书>店",
            MARKET_SUPERVISION: "演示市场监管",
        }
        self.by_id = {
            key: Organization(
                id=key,
                name=name,
                credit_code=make_synthetic_credit_code(sequence=sequence),
                kind="department" if key in DEPARTMENTS else "enterprise",
            )
            for sequence, (key, name) in enumerate(names.items(), start=1)
        }

    async def get_organization(self, _connection: Connection, organization_id: UUID, /) -> Organization:
        if organization_id not in self.by_id:
            raise NotFound
        return self.by_id[organization_id]

    def change(self, organization_id: UUID, status: str) -> None:
        self.by_id[organization_id] = msgspec.structs.replace(self.by_id[organization_id], status=status)

    async def find_by_credit_code(self, _connection: Connection, credit_code: str, /) -> Organization | None:
        return next((found for found in self.by_id.values() if found.credit_code == credit_code), None)


class KnownOfficials:
    """Names of members of staff, as identity shows them: masked."""

    async def display_name(self, _connection: Connection, official_id: UUID, /) -> str:
        return f"官*{str(official_id)[-1]}"


class Caller:
    """Says who calls: the `principal` that the test set, as a verified token would; nobody at first."""

    def __init__(self) -> None:
        self.principal: Principal | None = None

    def before(self, app: ASGIApp) -> ASGIApp:
        async def serve(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "user": self.principal, "auth": None}, receive, send)

        return serve


def a_principal(subject_type: Literal["person", "organization", "official"], **facts: Any) -> Principal:
    defaults: dict[str, Any] = {
        "subject_type": subject_type,
        "subject_id": new_id(),
        "session_id": new_id(),
        "client_id": "test",
        "authenticated_at": datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
        "ial": 2,
        "scopes": frozenset({"organization", "item:*"} if subject_type == "organization" else ()),
    }
    return Principal(**(defaults | facts))


def agent_of(organization_id: UUID) -> Principal:
    return a_principal("organization", subject_id=organization_id, agent_id=new_id())


def an_official(*roles: str, organization_id: UUID | None = FIRE_RESCUE) -> Principal:
    return a_principal("official", roles=frozenset(roles), organization_id=organization_id)


STRANGERS: Mapping[str, Principal | None] = {
    "anonymous": None,
    "person": a_principal("person"),
    "agent of the restaurant": agent_of(RESTAURANT),
    "agent of another company": agent_of(OTHER_COMPANY),
    "reviewer": an_official("reviewer"),
    "official without a role": an_official(),
}


def build_app(floor: Floor, routers: Sequence[Router], caller: Caller) -> ASGIApp:
    """The routers as in the product, for this caller."""
    return caller.before(cast("ASGIApp", Door.of(floor, routers).application))


def app_of(floor: Floor, services: CodesServices, caller: Caller) -> ASGIApp:
    """The codes as in the product: what answers before the framework, and the framework."""
    return asgi(services, build_app(floor, routers(services), caller))


def client_of(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN)


def jwk_of(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    point = point_of(key.public_key())
    x, y = (base64.urlsafe_b64encode(half).rstrip(b"=").decode() for half in (point[1:33], point[33:]))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


class Device:
    """A scanner: holds its key, proves it, signs its requests."""

    def __init__(self, clock: Clock, scanner_id: str = "") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = scanner_id
        self._clock = clock

    def enrolment(self, **changes: Any) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "organization_id": str(LIBRARY),
            "site": {"name": "总馆", "address": "演示路 1 号"},
            "device_name": "一号闸机",
            "scenarios": [301, 302],
            "public_key": jwk_of(self.key),
        }
        return {"proof": self.proof()} | facts | changes

    def proof(self, *, typ: str = PROOF_TYPE, key: Any = None, algorithm: str = "ES256", **changes: Any) -> str:
        claims: dict[str, Any] = {
            "aud": ORIGIN,
            "organization_id": str(LIBRARY),
            "iat": int(self._clock.now().timestamp()),
        }
        return jwt.encode(claims | changes, key or self.key, algorithm=algorithm, headers={"typ": typ})

    def signed(
        self, method: str, path: str, body: bytes = b"", /, *, covered: Iterable[str] = COVERED, **changes: Any
    ) -> dict[str, str]:
        """The headers of a signed request; `changes` bend one thing."""
        headers = {"content-digest": http_signatures.content_digest(changes.pop("digested", body))}
        bare, _, query = path.partition("?")
        parts = RequestParts(
            method=changes.pop("method", method),
            authority=changes.pop("authority", AUTHORITY),
            path=changes.pop("path", bare),
            query=changes.pop("query", f"?{query}" if query else ""),
            headers=headers,
        )
        signer = http_signatures.ecdsa_p256_signer(changes.pop("key", self.key))
        params: dict[str, Any] = {
            "keyid": self.id,
            "created": int(self._clock.now().timestamp()),
            "nonce": new_token(16),
            "tag": TAG,
        }
        signature = http_signatures.sign(
            parts,
            label="sig1",
            covered=tuple(covered),
            params=SignatureParams(**(params | changes)),
            sign_bytes=signer,
        )
        return headers | signature


class EnterpriseRooms:
    """The codes as in the product, over organizations in memory, and with `sources` that a test fills."""

    def __init__(self, floor: Floor, sources: dict[str, Any] | None = None) -> None:
        self.organizations = KnownOrganizations()
        self.sources = {} if sources is None else sources
        nobody = cast("Any", None)
        built = build_codes(
            floor,
            CodesSettings(origin=ORIGIN, enterprise_sources=CONNECTED),
            CodesPorts(people=nobody, devices=nobody, organizations=self.organizations, officials=KnownOfficials()),
        )
        desk = SourceDesk(self.sources, built.enterprise.registers, deadline_seconds=0.3, stale_after=timedelta(days=2))
        checks = EnterpriseChecks(
            database=floor.database, stickers=built.stickers, scenarios=built.scenarios, desk=desk, clock=floor.clock
        )
        self.services = dataclasses.replace(built, enterprise=dataclasses.replace(built.enterprise, checks=checks))
