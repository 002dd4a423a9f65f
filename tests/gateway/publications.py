"""Manifests and publications as small as the tests need them."""

from typing import Any
from uuid import UUID

import msgspec

from app.kit.ids import new_id
from app.kit.structs import Text
from gateway.snapshot import Publication, RouteSnapshot, Suspension, compile_snapshot
from miniapps.manifest import Manifest, parse_manifest

LIBRARY = "cn.example.library"
LIBRARY_ORGANIZATION = UUID("0190aaaa-0000-7000-8000-000000000001")
SUSPENSION = Suspension(reason=Text(zh="系统升级", en="Maintenance"), since="2026-03-02T12:00:00Z")
TEXT = {"zh": "文", "en": "text"}

ROUTES: list[dict[str, Any]] = [
    {"method": "GET", "path": "/books", "min_ial": 0},
    {"method": "GET", "path": "/books/{book_id}", "min_ial": 0},
    {"method": "GET", "path": "/loans"},
    {"method": "POST", "path": "/loans", "idempotent": True},
    {"method": "GET", "path": "/loans/overdue", "min_ial": 2},
    {"method": "GET", "path": "/loans/{loan_id}"},
    {"method": "PUT", "path": "/loans/{loan_id}/renewal", "min_aal": 2},
    {"method": "POST", "path": "/small", "body_limit": 10},
    {"method": "GET", "path": "/slow", "timeout_ms": 100},
    {"method": "GET", "path": "/rare", "rate": {"requests": 1, "per_seconds": 60}},
    {"method": "GET", "path": "/card", "scopes": ["reader"]},
    {"method": "GET", "path": "/profile", "scopes": ["reader", "contact", "hobby"]},
    {"method": "GET", "path": "/stream", "body": "streamed"},
    {"method": "HEAD", "path": "/books"},
    {"method": "DELETE", "path": "/loans/{loan_id}"},
    {"method": "GET", "path": "/{page}", "min_ial": 0},
]
SCOPES: list[dict[str, Any]] = [
    {"name": "reader", "fields": ["display_name"], "purpose": TEXT, "basis": "contract"},
    {"name": "contact", "fields": ["phone_tail"], "purpose": TEXT, "basis": "consent", "required": True},
    {"name": "hobby", "fields": ["age_over_18"], "purpose": TEXT, "basis": "consent"},
]


def a_manifest(base_url: str = "http://127.0.0.1:9101", **changes: Any) -> Manifest:
    document: dict[str, Any] = {
        "schema": "ssb-manifest/1",
        "app_id": LIBRARY,
        "version": {"code": 1, "name": "1.0.0"},
        "name": {"zh": "图书馆", "en": "Library"},
        "short_name": "图书馆",
        "description": TEXT,
        "owner": {"org_code": "0" * 18, "org_name": "图书馆", "level": "city", "region": "190000"},
        "contacts": [{"role": "tech", "name": "测试甲", "email": "tech@example.com"}],
        "zones": ["190000"],
        "audience": ["person", "organization", "visitor"],
        "backend": {"base_url": {"live": base_url}, "routes": ROUTES},
        "data": {"scopes": SCOPES},
        "fallback": {
            "text": {"zh": "请到图书馆", "en": "Go to the library"},
            "alt_channels": [{"zh": "拨打 12345", "en": "Call 12345"}],
        },
        "support": {"hotline": "12345"},
    }
    return parse_manifest(msgspec.json.encode(document | changes))


def a_publication(base_url: str = "http://127.0.0.1:9101", **changes: Any) -> Publication:
    suspension = changes.pop("suspension", None)
    organization_id = changes.pop("organization_id", LIBRARY_ORGANIZATION)
    release_id = changes.pop("release_id", None) or new_id()
    manifest = a_manifest(base_url, **changes)
    return Publication(
        app_id=manifest.app_id,
        organization_id=organization_id,
        release_id=release_id,
        manifest=manifest,
        suspension=suspension,
    )


def a_snapshot(*publications: Publication) -> RouteSnapshot:
    compilation = compile_snapshot(publications or [a_publication()], RouteSnapshot())
    assert compilation.rejections == ()
    return compilation.snapshot
