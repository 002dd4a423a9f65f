"""The citizens of the sandbox: made up, three of them, each with every field that a manifest may ask for. Pure."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta

from app.kit.structs import Model
from auth.documents import make_synthetic_id_number
from miniapps.manifest import Route, Scope

CitizenName = Annotated[str, Meta(pattern=r"^citizen-[a-c]$(?!\n)")]


class SyntheticCitizen(Model):
    """Somebody who does not exist. `fields` are told as far as a route's scopes name them."""

    name: CitizenName
    fields: Mapping[str, Any]
    elder: bool = False


def _citizen(name: str, full_name: str, born: date, sequence: int, *, elder: bool = False) -> SyntheticCitizen:
    fields = {
        "display_name": f"{full_name[0]}**",
        "full_name": full_name,
        "phone_tail": f"{sequence:04d}",
        "id_number": make_synthetic_id_number(birth=born, sequence=sequence),
        "age_over_18": True,
        "identity_level": "2",
    }
    return SyntheticCitizen(name=name, fields=fields, elder=elder)


CITIZENS: Final = (
    _citizen("citizen-a", "沙箱甲", date(1990, 3, 15), 701),
    _citizen("citizen-b", "盒中乙", date(1985, 11, 2), 702),
    _citizen("citizen-c", "试长者", date(1948, 6, 9), 703, elder=True),
)
BY_NAME: Final[Mapping[str, SyntheticCitizen]] = {citizen.name: citizen for citizen in CITIZENS}


def openid_of(citizen: SyntheticCitizen, app_id: str) -> str:
    """The citizen's name at this mini-app in every sandbox: always the same there, and nobody's anywhere else."""
    return "sandbox-" + hashlib.sha256(f"{app_id}\n{citizen.name}".encode()).hexdigest()[:32]


def claims_of(
    citizen: SyntheticCitizen, app_id: str, route: Route | None, scopes: Mapping[str, Scope]
) -> dict[str, Any]:
    """What the assertion says of the citizen on this route, with every basis given; no fields without a route."""
    granted = [scopes[name] for name in route.scopes] if route is not None else []
    fields = {name: citizen.fields[name] for scope in granted for name in scope.fields if name in citizen.fields}
    claims: dict[str, Any] = {
        "sub": openid_of(citizen, app_id),
        "sub_type": "person",
        "acr": f"ial{max(2, route.min_ial if route else 2)}.aal{max(1, route.min_aal if route else 1)}",
        "scope": " ".join(scope.name for scope in granted),
    }
    if granted:
        claims["basis"] = " ".join(scope.basis for scope in granted)
        claims["purpose"] = "；".join(scope.purpose.zh for scope in granted)
    consents = [str(_consent_id(citizen, app_id, scope)) for scope in granted if scope.basis == "consent"]
    if consents:
        claims["consent_id"] = " ".join(consents)
    if fields:
        claims["fields"] = fields
    return claims


def _consent_id(citizen: SyntheticCitizen, app_id: str, scope: Scope) -> UUID:
    digest = hashlib.sha256(f"{app_id}\n{citizen.name}\n{scope.name}".encode()).digest()
    return UUID(bytes=digest[:16], version=5)
