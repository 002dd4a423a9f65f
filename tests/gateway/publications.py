"""Manifests and publications as small as the tests need them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from app.kit.ids import new_id
from app.kit.structs import Text
from gateway.snapshot import RouteSnapshot, compile_snapshot
from miniapps.manifest import Manifest, parse_manifest
from miniapps.releases.models import PublishedApp

LIBRARY = "cn.example.library"
LIBRARY_ORGANIZATION = UUID("0190aaaa-0000-7000-8000-000000000001")
SUSPENSION: dict[str, Any] = {
    "state": "suspended",
    "reason": Text(zh="系统升级", en="Maintenance"),
    "fallback": Text(zh="请到大厅", en="Go to the hall"),
    "suspended_at": datetime(2026, 3, 2, 12, tzinfo=UTC),
}
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
    {"method": "GET", "path": "/seldom", "rate": {"requests": 1, "per_seconds": 60}, "min_ial": 0},
    {"method": "GET", "path": "/card", "scopes": ["reader"]},
    {"method": "GET", "path": "/profile", "scopes": ["reader", "contact", "hobby"]},
    {"method": "GET", "path": "/stream", "body": "streamed", "timeout_ms": 200},
    {"method": "GET", "path": "/events", "body": "streamed", "timeout_ms": 60_000},
    {"method": "GET", "path": "/news", "body": "streamed", "timeout_ms": 60_000, "scopes": ["contact"]},
    {"method": "HEAD", "path": "/stream", "body": "streamed"},
    {"method": "POST", "path": "/stream", "body": "streamed", "body_limit": 1000, "timeout_ms": 200},
    {"method": "HEAD", "path": "/books", "min_ial": 0},
    {"method": "DELETE", "path": "/loans/{loan_id}"},
    {"method": "GET", "path": "/cases/{case_id}/papers"},
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


def published(
    base_url: str = "http://127.0.0.1:9101", *, row: dict[str, Any] | None = None, **changes: Any
) -> PublishedApp:
    """A published app; `changes` are of its manifest, `row` of what the registry says beside."""
    manifest = a_manifest(base_url, **changes)
    facts: dict[str, Any] = {
        "app_id": manifest.app_id,
        "organization_id": LIBRARY_ORGANIZATION,
        "organization_name": "图书馆",
        "state": "active",
        "reason": None,
        "fallback": manifest.fallback.text.as_text(),
        "suspended_at": None,
        "version_code": 1,
        "release_id": new_id(),
        "manifest": manifest,
    }
    return PublishedApp(**(facts | (row or {})))


def a_snapshot(*apps: PublishedApp) -> RouteSnapshot:
    compilation = compile_snapshot(apps or [published()], RouteSnapshot())
    assert compilation.rejections == ()
    return compilation.snapshot
