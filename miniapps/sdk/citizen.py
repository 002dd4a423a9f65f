"""For whom the gateway calls: only what the city granted this department, under a name that is its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Citizen:
    """A verified caller. `openid` is the same at every visit to this department, and means nothing at any other.

    `fields` holds the granted fields and no others. `agent` is the pairwise id of whoever acts for the subject.
    """

    openid: str
    subject_type: str
    scopes: frozenset[str]
    request_id: str
    assertion_id: str
    zone: str | None = None
    channel: str | None = None
    agent: str | None = None
    assurance: str | None = None
    basis: str | None = None
    purpose: str | None = None
    consent_id: str | None = None
    case_id: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict, repr=False)


def citizen_of(claims: Mapping[str, Any], headers: Mapping[str, str]) -> Citizen:
    """The citizen that verified claims and covered headers speak of."""
    agent = claims.get("act")
    granted = claims.get("fields")
    return Citizen(
        openid=str(claims["sub"]),
        subject_type=str(claims.get("sub_type", "person")),
        scopes=frozenset(str(claims.get("scope", "")).split()),
        request_id=headers["x-request-id"],
        assertion_id=str(claims["jti"]),
        zone=headers.get("ssb-zone"),
        channel=headers.get("ssb-channel"),
        agent=str(agent["sub"]) if isinstance(agent, Mapping) and "sub" in agent else None,
        assurance=_text(claims, "acr"),
        basis=_text(claims, "basis"),
        purpose=_text(claims, "purpose"),
        consent_id=_text(claims, "consent_id"),
        case_id=_text(claims, "case_id"),
        fields=dict(granted) if isinstance(granted, Mapping) else {},
    )


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return None if value is None else str(value)
