"""Manifests for tests: one that is sound, and ways to spoil it."""

import copy
import json
from typing import Any

from auth.documents import make_synthetic_credit_code

ORG_CODE = make_synthetic_credit_code(sequence=7)


def sound_document(**changes: Any) -> dict[str, Any]:
    """A manifest document without findings that refuse; `changes` replace whole groups."""
    return copy.deepcopy(_SOUND) | changes


def encode(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def spoil(path: str, value: Any) -> dict[str, Any]:
    """A sound document in which the place at `path` ("backend/routes/0/path") holds `value`."""
    document = sound_document()
    *parents, last = path.split("/")
    place: Any = document
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    place[int(last) if isinstance(place, list) else last] = value
    return document


_SOUND: dict[str, Any] = {
    "schema": "ssb-manifest/1",
    "kind": "integrated",
    "app_id": "cn.example.library",
    "version": {"code": 1, "name": "1.0.0"},
    "name": {"zh": "图书馆", "en": "City library"},
    "short_name": "图书馆",
    "description": {"zh": "查看借阅", "en": "See your loans"},
    "owner": {"org_code": ORG_CODE, "org_name": "演示图书馆", "level": "city", "region": "190000"},
    "contacts": [
        {"role": "tech", "name": "技术值班", "phone": "19900000001"},
        {"role": "security", "name": "安全值班", "phone": "19900000002"},
    ],
    "zones": ["190000"],
    "audience": ["person"],
    "items": [
        {
            "item_code": "LIB-001",
            "name": "读者证办理",
            "kind": "public_service",
            "legal_days": 5,
            "promised_days": 1,
            "materials": [{"code": "ID-CARD", "name": "身份证", "source": "licence"}],
        }
    ],
    "backend": {
        "base_url": {"live": "https://library.example.cn/suishen"},
        "routes": [
            {"method": "GET", "path": "/loans", "scopes": ["library.loans"], "min_ial": 2},
            {"method": "POST", "path": "/loans/{loan_id}/renewals", "scopes": ["library.loans"], "min_ial": 2},
        ],
    },
    "widgets": [{"id": "loans", "kind": "list", "personal": True}],
    "data": {
        "scopes": [
            {
                "name": "library.loans",
                "fields": ["display_name"],
                "purpose": {"zh": "显示借阅", "en": "Show loans"},
                "basis": "contract",
                "retention_days": 30,
            }
        ],
        "masking": [{"method": "GET", "path": "/loans", "pointer": "/items/*/reader", "rule": "name"}],
    },
    "fallback": {
        "text": {"zh": "请到馆办理", "en": "Come to the library"},
        "alt_channels": [{"zh": "图书馆服务台", "en": "The library's desk"}],
    },
    "support": {"hotline": "12345"},
}
